// Package gates judges the data that leaves a stage.
//
// A [Check] says what must hold; a [Rule] is a check in force somewhere, with a
// severity, a tolerance and what to do with rows that fail. [Of] makes the judge of a
// stage. All rules are evaluated on the same batch, in one pass with the
// transformation.
//
// # Rows and statements
//
// A row check has an outcome for each row: true, false, null or error. Null is not
// tested, unless the rule says nulls: fail; every finding tells how many rows were
// tested, failed and null, and a share is of the rows tested. An error on one row makes
// the verdict error.
//
// An expect check is a statement about metrics of the whole partition. Each metric is
// computed once, as a small state that merges: states of the units of work are merged
// in their order, so that the result is the same for any number of workers. A metric of
// no values (the minimum of no rows) is null, and a statement that is null gives
// no_data.
//
// # What is judged
//
// Rules with else: quarantine see every row. Rows that break one go aside, with the
// names of the rules they broke in the column _rules (with commas between them), the file
// they came from in _source, and in _row the row of that file, counted from 0, or null
// where operators moved rows; with at_most, more of them than that block the partition.
// All other rules judge the rows that go on: those that would be published.
//
// # Named checks, metrics, functions
//
// [Vocabulary] has the named checks, as pipeline files write them: most are short for a
// row predicate or a statement. [MetricDocs] has the metrics that statements may call, and
// [SummaryDocs] what they may ask of a metric on past partitions:
//
//	rows() > 1000 && null_share(email) < 0.01
//	sum(amount) == sum("ledger", amount)
//	rows() > 0.5 * history(6).mean(rows())
//
// Nulls are left out of all metrics that are not about nulls. docs/reference/checks.md lists
// all of them. What neither a predicate nor a statement says is a Go function ([RowsFunc]), or a
// stage of SQL whose rows are judged.
//
// # Verdicts
//
// pass, warn (a rule of severity warn that does not hold), fail, error (it could not be
// evaluated), no_data, skipped. Only pass and warn let the partition through, if the
// rule blocks.
package gates
