package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"penstock": func() { os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the command line in process images of its own: stdout, stderr, exit
// status and the files left behind are in testdata/script.
func TestScripts(t *testing.T) {
	flights, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: false,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TESTDATA", flights)
			env.Setenv("PENSTOCK_ACTOR", "tester")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status":   cmdStatus,
			"truncate": cmdTruncate,
			"flip":     cmdFlip,
			"latin":    cmdLatin,
			"await":    cmdAwait,
			"runid":    cmdRunID,
			"fillid":   cmdFillID,
			"head":     cmdHead,

			"collector": cmdCollector,
			"valid":     cmdValid,
		},
	})
}

// status N command…: the command ends with exit status N.
func cmdStatus(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%s: exit status %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// truncate FILE: cuts the file in half.
func cmdTruncate(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()/2))
}

// flip FILE: flips a bit in the middle of the file.
func cmdFlip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	text[len(text)/2] ^= 1
	ts.Check(os.WriteFile(path, text, 0o644))
}

// latin FILE: writes a CSV file with a letter in ISO 8859-1, which no script can hold.
func cmdLatin(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("id,name,n\n1,caf\xe9,1\n"), 0o644))
}

// runid NAME: sets a variable to the id of the latest run.
func cmdRunID(ts *testscript.TestScript, _ bool, args []string) { setLatest(ts, args[0], "runs") }

// fillid NAME: sets a variable to the id of the latest backfill.
func cmdFillID(ts *testscript.TestScript, _ bool, args []string) { setLatest(ts, args[0], "backfills") }

// head NAME FILE: sets a variable to where the chain ends, as audit verify printed it into a file.
func cmdHead(ts *testscript.TestScript, _ bool, args []string) {
	_, head, _ := strings.Cut(ts.ReadFile(args[1]), "\nhead ")
	ts.Setenv(args[0], strings.TrimSpace(head))
}

// setLatest sets a variable to the id of the record that was written last.
func setLatest(ts *testscript.TestScript, name, of string) {
	found, err := filepath.Glob(ts.MkAbs(".penstock/" + of + "/*.json"))
	ts.Check(err)
	latest, at := "", time.Time{}
	for _, name := range found {
		info, err := os.Stat(name)
		ts.Check(err)
		if info.ModTime().After(at) {
			latest, at = name, info.ModTime()
		}
	}
	ts.Setenv(name, strings.TrimSuffix(filepath.Base(latest), ".json"))
}

// await GLOB: waits until a file matches.
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		if found, err := filepath.Glob(ts.MkAbs(args[0])); err == nil && len(found) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("nothing matches %s", args[0])
		}
	}
}
