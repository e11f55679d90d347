package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMain does a job where this program was started to do one, as main does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "job" {
		if err := runJob(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// short are the options of a run that takes seconds: it says nothing about time.
func short(t *testing.T) options {
	return options{
		runs: 1, rows: 200_000, data: t.TempDir(), flights: "../testdata/flights/2001-06.parquet",
		gb: 0.016, arrow: hasArrow,
	}
}

// Both sides of every scenario come to the same result, or there is an error. DuckDB's
// Arrow interface is among them where the test is built with the tag duckdb_arrow.
func TestSidesAgree(t *testing.T) {
	for _, only := range []string{"", "large"} {
		o := short(t)
		o.only = only
		if err := parquetPage(o); err != nil {
			t.Errorf("-only %q: %v", only, err)
		}
	}
}

// A difference between the sides is not let pass.
func TestDifferencesAreSeen(t *testing.T) {
	ours := outcome{Rows: 10, Sum: 100, Failed: []int64{0, 3}}
	for want, peer := range map[string]outcome{
		"":      {Rows: 10, Sum: 100 + 1e-9, Failed: []int64{0, 3}},
		"rows:": {Rows: 11, Sum: 100, Failed: []int64{0, 3}},
		"sum:":  {Rows: 10, Sum: 100.001, Failed: []int64{0, 3}},
		"rows that failed each rule: [0 3], [0 2]": {Rows: 10, Sum: 100, Failed: []int64{0, 2}},
		"rows that failed each rule: [0 1], [1 0]": {Rows: 10, Sum: 100, Failed: []int64{1, 0}, Coarse: true},
		"rows that failed each rule: [1], [0]":     {Rows: 10, Sum: 100, Failed: []int64{0}, Coarse: true},
	} {
		err := agree(ours, peer)
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", peer, err, want)
		}
	}
}
