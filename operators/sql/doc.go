// Package sql has the operators that DuckDB computes: SQL over the inputs of a stage,
// joins, sorts, aggregates and the removal of duplicates. It is the only importer of
// DuckDB, and with it of cgo.
//
// Every run of an operator has a database of its own, in memory, within a share of
// the run's budget, spilling to a private directory. It is locked before the first
// statement: no file, no network, no extension, no change of settings. Rows go in
// through data chunks appended to temporary tables, which DuckDB may spill, and come
// out of a streaming result, so that no result is held whole outside of the budget.
//
// The same input gives the same output, whatever the number of workers: what DuckDB
// might do in another order with several threads (sums of floats, whatever people write
// in SQL) it does with one.
package sql
