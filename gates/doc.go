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
// # Metrics
//
//	rows()                     rows
//	rows("input")              rows of another source or stage
//	count(x)                   values that are not null
//	count_if(condition)        rows for which it is true
//	nulls(x), null_share(x)    nulls, and their share of the rows
//	min(x), max(x)             of numbers, strings, times; NaN is left out
//	quantile(x, q), median(x)  of numbers; NaN is left out
//	sum(x)                     of integers exactly (overflow is an error), of floats compensated
//	mean(x)                    as a double
//	variance(x), stddev(x)     of the sample
//	distinct(x)                distinct values, exactly
//
// Nulls are left out of all but nulls and null_share.
//
// A metric that is NaN, and a calculation that gives NaN, is an error of the statement, under
// a negation too: !(mean(x) > 3.0) does not hold because there is NaN among the values. What
// decides without it still does, as in rows() > 0 || mean(x) > 3.0, and is_nan(mean(x)) asks
// for it. In a rule of rows NaN is what it is in CEL: it compares to nothing.
//
// # Verdicts
//
// pass, warn (a rule of severity warn that does not hold), fail, error (it could not be
// evaluated), no_data, insufficient_history, skipped. Only pass and warn let the partition
// through, if the rule blocks. Two policies are the user's to choose, and let others through:
// on_empty: skip, and on_short_history, which warns unless it says block. Neither lets through
// what could not be evaluated: an error beside too little history, or of no rows, is an error.
//
// A composite judges its members as if they blocked, and then is a warning or not itself.
//
// What is stored of rows that were judged before decides only where rows can have given it,
// the manifest is as it was published, and no text names a moment (now(), partition_start(),
// partition_end()).
package gates
