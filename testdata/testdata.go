// Package testdata holds the data that the demo lays out and tests run on; README.md
// says what it is.
package testdata

import "embed"

// Flights holds flights/2001-01.parquet to flights/2001-07.parquet and airports.csv.
//
//go:embed flights/*.parquet airports.csv
var Flights embed.FS
