// Command penstock runs batch data pipelines in which no bad partition gets past a
// gate. `penstock help` tells what it does; `penstock demo` shows it.
package main

import (
	"os"

	"github.com/penstock-data/penstock/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}
