// Package breaks follows the breaks of a reconciliation over the nights. Ledger is the operator: of
// tonight's breaks, the ledger of the night before and what people decided it makes tonight's ledger,
// and of the same three always the same. Decisions are files of record, and a source.
package breaks
