// Package gates judges the data that leaves a stage.
//
// A [Check] says what must hold; a [Rule] is a check in force somewhere, with a
// severity, a tolerance and what to do with rows that fail. [Of] makes the judge of a
// stage. All rules are evaluated on the same batch, in one pass with the
// transformation. [Vocabulary] lists the checks by the names they have in pipeline files.
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
// no_data. Numbers of different types are calculated with as doubles, and every division
// is one of doubles: nulls(x) / rows() is a share, and null where there are no rows.
//
// What neither says is a Go function over record batches ([RowsFunc]), or a stage of SQL whose
// rows are judged.
//
// # What is judged
//
// Rules with else: quarantine see every row. Rows that break one go aside, with the
// names of the rules they broke in the column _rules, the place they came from in
// _source, and in _row their place in that file, counted from 0, or null where it is not
// known. With at_most, more of them than that block the partition. All other rules
// judge the rows that go on: those that would be published.
//
// # Rules
//
// where chooses rows; a rule with by is judged for each group of rows that are equal in
// some columns, and must hold for each. at_most tolerates failing rows, a number or a share
// of those tested; with two of them, the first warns and the second blocks. An expect may
// have a second statement that only warns.
//
// # Other inputs
//
// The first argument of a metric may be the name of another source or stage:
// sum("ledger", amount). What a rule refers to is run first.
//
// # History
//
// history(n) are the last n partitions that were published before this one, history(n,
// "weekday") those of the same day of the week ("month_end", "month_day", "month"):
//
//	rows() > 0.5 * history(6).mean(rows())
//	history(6).psi(country) < 0.2
//
// Their metrics are in their manifests, by their texts, and are not computed again. A
// metric that is written otherwise is another one: its history begins anew. Where there are
// not n of them the verdict is insufficient_history, which warns, or blocks if the rule
// says on_short_history: block. A dataset without partitions in time has its own earlier
// versions as its past.
//
// # Approximate metrics
//
// quantile, median, iqr, outliers, iqr_outliers, ks, top and approx_distinct are
// approximate where there are many values, within bounds that they tell. The bounds are
// certain, but for approx_distinct, which has four standard errors. Where a statement might
// be decided either way within the bounds, the rows are read again and it is decided
// exactly; so it is at once in a stage without an output. The values of past partitions are
// taken as they were stored.
//
// # Metrics
//
//	rows()                     rows
//	count(x), nulls(x)         values that are not null, and nulls
//	count_if(p), share(p)      rows for which p is true, and their share of those not null
//	null_share(x)              the share of nulls in the rows
//	min(x), max(x)             of numbers, strings, times; NaN is left out
//	sum(x)                     exact, of integers, decimals and doubles (rounded once)
//	mean, variance, stddev     of the sample; skewness(x), kurtosis(x); t_test(x, mean)
//	correlation(x, y)          and covariance(x, y)
//	quantile(x, q), median(x)  and iqr(x); ks_normal(x, mean, sd), ks_uniform(x, low, high)
//	outliers(x, k)             values further than k standard deviations from the mean
//	iqr_outliers(x, k)         values further than k interquartile ranges from the quartiles
//	distinct(x, …)             distinct keys, exactly; distinct_share, unique_values (that
//	                           occur once), unique_share, duplicates (rows)
//	approx_distinct(x)         by HyperLogLog
//	values(x), top(x, k)       the distinct values, and the most frequent ones, as lists
//	histogram(x, [edges])      the shares between edges, as a list
//	entropy(x)                 and cramers_v(x, y), mutual_information(x, y)
//	rows_hash(x, …)            the same for the same rows in any order
//	falls(x), rises(x)         values less, greater than the one before; repeats(x)
//	overlaps(from, to)         ranges that overlap another
//	psi, kl, jeffreys, l_infinity, chi_square, ks, welch_test
//	                           against history(n), another input, or {"value": share}
//	columns(), column_names(), column_types()
//	files("source"), file_names, file_bytes, smallest_file, largest_file, newest_file,
//	                           files_seen (that past partitions were made of)
//
// [MetricDocs] and [SummaryDocs] say more of each; docs/reference/checks.md has an example of
// every check and metric. Nulls are left out of all but rows, nulls and null_share.
//
// A metric that is NaN, and a calculation that gives NaN, is an error of the statement, under
// a negation too: !(mean(x) > 3.0) does not hold because there is NaN among the values. What
// decides without it still does, as in rows() > 0 || mean(x) > 3.0, and is_nan(mean(x)) asks
// for it. In a rule of rows NaN is what it is in CEL: it compares to nothing.
//
// # Verdicts
//
// pass, warn (a rule of severity warn that does not hold, or a threshold that only warns), fail, error (it could not be
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
