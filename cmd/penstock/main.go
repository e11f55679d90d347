// Command penstock runs batch data pipelines in which no bad partition gets past a
// gate. `penstock help` tells what it does; `penstock demo` shows it.
package main

import (
	"os"
	_ "time/tzdata" // time zones in pipeline files are known on machines and in containers that have no data base of them

	"github.com/penstock-data/penstock/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}
