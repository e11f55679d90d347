package gates

// MetricDoc tells people of a metric, or of a summary of history.
type MetricDoc struct {
	Name string
	// Call is how it is called: quantile(x, q).
	Call, Doc string
	// State is what its value is: exact, or within bounds that are certain or probable, until
	// a rule needs to know better.
	State string
}

// The kinds of states.
const (
	exactState    = "exact"
	certainState  = "certain bounds"
	probableState = "probable bounds"
)

// MetricDocs are all metrics that expect statements may call, in the order of the
// documentation. One whose arguments are expressions may be asked of another source or
// stage, whose name stands before them then.
func MetricDocs() (all []MetricDoc) {
	for _, f := range metricFuncs {
		d := metricDocs[f.Name]
		d.Name, d.State = f.Name, exactState
		switch {
		case f.Name == "approx_distinct":
			d.State = probableState
		case f.exact != nil || f.Name == "ks":
			d.State = certainState
		}
		all = append(all, d)
	}
	return all
}

// SummaryDocs are all that a statement may ask of a metric on past partitions.
func SummaryDocs() (all []MetricDoc) {
	for _, f := range summaryFuncs {
		d := summaryDocs[f.Name]
		d.Name, d.State = f.Name, exactState
		all = append(all, d)
	}
	return all
}

var metricDocs = map[string]MetricDoc{
	"rows":               {Call: "rows()", Doc: "How many rows there are."},
	"count":              {Call: "count(x)", Doc: "How many values are not null."},
	"count_if":           {Call: "count_if(condition)", Doc: "For how many rows it is true; null is not."},
	"share":              {Call: "share(condition)", Doc: "For what part of the rows it is true, of those for which it is not null."},
	"nulls":              {Call: "nulls(x)", Doc: "How many values are null."},
	"null_share":         {Call: "null_share(x)", Doc: "What part of all rows is null."},
	"min":                {Call: "min(x)", Doc: "The least number, text or time; NaN is left out."},
	"max":                {Call: "max(x)", Doc: "The greatest number, text or time; NaN is left out."},
	"sum":                {Call: "sum(x)", Doc: "The sum: of integers and decimals exactly, and an error where it does not fit; of floats rounded once."},
	"mean":               {Call: "mean(x)", Doc: "The mean, as a double."},
	"variance":           {Call: "variance(x)", Doc: "The variance of the sample, divided by n - 1; null of fewer than two values."},
	"stddev":             {Call: "stddev(x)", Doc: "The standard deviation of the sample."},
	"skewness":           {Call: "skewness(x)", Doc: "How lopsided the numbers are, adjusted for the sample; 0 of symmetric ones."},
	"kurtosis":           {Call: "kurtosis(x)", Doc: "The excess kurtosis, adjusted for the sample; 0 of a normal distribution."},
	"t_test":             {Call: "t_test(x, mean)", Doc: "The p-value of Student's t-test that numbers have this mean."},
	"correlation":        {Call: "correlation(x, y)", Doc: "Pearson's correlation, of the rows in which both are there."},
	"covariance":         {Call: "covariance(x, y)", Doc: "The covariance of the sample, of the rows in which both are there."},
	"quantile":           {Call: "quantile(x, q)", Doc: "The least value that a share q of the values is at most: one of the values."},
	"median":             {Call: "median(x)", Doc: "The quantile of 0.5."},
	"iqr":                {Call: "iqr(x)", Doc: "The quantile of 0.75 less that of 0.25."},
	"ks_normal":          {Call: "ks_normal(x, mean, stddev)", Doc: "The distance (Kolmogorov and Smirnov) from a normal distribution, from 0 to 1."},
	"ks_uniform":         {Call: "ks_uniform(x, low, high)", Doc: "The distance from a uniform distribution, from 0 to 1."},
	"outliers":           {Call: "outliers(x, k)", Doc: "How many numbers are further than k standard deviations from the mean."},
	"iqr_outliers":       {Call: "iqr_outliers(x, k)", Doc: "How many numbers are further from the quartiles than k times the distance between them; 1.5 is usual."},
	"distinct":           {Call: "distinct(x, …)", Doc: "How many values, or combinations of values, there are; those with a null are left out, here and in the four below."},
	"distinct_share":     {Call: "distinct_share(x, …)", Doc: "distinct by the rows that it looks at."},
	"unique_values":      {Call: "unique_values(x, …)", Doc: "How many of the distinct ones occur once."},
	"unique_share":       {Call: "unique_share(x, …)", Doc: "unique_values by distinct."},
	"duplicates":         {Call: "duplicates(x, …)", Doc: "How many rows repeat what another has: those it looks at less distinct."},
	"values":             {Call: "values(x)", Doc: "The distinct values as texts, in order; an error where there are more than 10,000."},
	"entropy":            {Call: "entropy(x)", Doc: "Shannon's entropy of the values, in nats."},
	"top":                {Call: "top(x, k)", Doc: "The k most frequent values as texts, the most frequent first."},
	"approx_distinct":    {Call: "approx_distinct(x)", Doc: "How many distinct values there are, in little memory (HyperLogLog)."},
	"histogram":          {Call: "histogram(x, [edges])", Doc: "The shares of all numbers between edges, as a list; the last edge belongs to the last bin."},
	"cramers_v":          {Call: "cramers_v(x, y)", Doc: "How much two columns depend on each other (Cramér's φ), from 0 to 1."},
	"mutual_information": {Call: "mutual_information(x, y)", Doc: "What one column says of the other, in nats."},
	"rows_hash":          {Call: "rows_hash(x, …)", Doc: "A digest of the rows, in whatever order, nulls included: the same for the same rows."},
	"falls":              {Call: "falls(x)", Doc: "How many values are less than the one before, in the order of the rows; nulls are left out."},
	"rises":              {Call: "rises(x)", Doc: "How many values are greater than the one before."},
	"repeats":            {Call: "repeats(x)", Doc: "How many values are the same as the one before."},
	"overlaps":           {Call: "overlaps(from, to)", Doc: "How many ranges begin before an earlier one has ended, or end before they begin."},
	"psi":                {Call: "psi(x, {shares})", Doc: "The population stability index of the values against others; 0.2 is usually much."},
	"kl":                 {Call: "kl(x, {shares})", Doc: "The divergence of Kullback and Leibler of the values against others, in nats."},
	"jeffreys":           {Call: "jeffreys(x, {shares})", Doc: "That divergence both ways, added."},
	"l_infinity":         {Call: "l_infinity(x, {shares})", Doc: "The greatest difference of a value's shares."},
	"chi_square":         {Call: "chi_square(x, {shares})", Doc: "The p-value of the chi-square test that the values are distributed alike."},
	"ks":                 {Call: "ks(x)", Doc: "The distance (Kolmogorov and Smirnov) of numbers from others, from 0 to 1."},
	"welch_test":         {Call: "welch_test(x)", Doc: "The p-value of Welch's t-test that numbers have the same mean as others."},
	"breaks.new":         {Call: "breaks.new(condition)", Doc: "Of a ledger of breaks: how many opened, or opened again, in this partition. Here and below, with a condition: of those for which it is true."},
	"breaks.open":        {Call: "breaks.open(condition)", Doc: "How many are open: new, open, changed or reopened, and neither accepted nor cleared."},
	"breaks.older_than":  {Call: "breaks.older_than(days, condition)", Doc: "How many of the open ones are older than so many days; one whose age is not known counts."},
	"breaks.cleared":     {Call: "breaks.cleared(condition)", Doc: "How many cleared in this partition."},
	"breaks.accepted":    {Call: "breaks.accepted(condition)", Doc: "How many are accepted."},
	"breaks.sum":         {Call: "breaks.sum(x, condition)", Doc: "The sum of the open ones, as sum(x) adds; 0 where there is none."},
	"columns":            {Call: "columns()", Doc: "How many columns there are."},
	"column_names":       {Call: "column_names()", Doc: "The names of the columns, in their order."},
	"column_types":       {Call: "column_types()", Doc: "Names, types and whether they may be null: `id int64 not null`."},
	"files":              {Call: `files("source")`, Doc: "How many files were read of a source."},
	"file_names":         {Call: `file_names("source")`, Doc: "Their names, without directories, in order."},
	"file_bytes":         {Call: `file_bytes("source")`, Doc: "What they have together, in bytes."},
	"smallest_file":      {Call: `smallest_file("source")`, Doc: "What the smallest of them has, in bytes."},
	"largest_file":       {Call: `largest_file("source")`, Doc: "What the largest of them has, in bytes."},
	"newest_file":        {Call: `newest_file("source")`, Doc: "When the newest of them was written."},
	"files_seen":         {Call: `files_seen("source")`, Doc: "How many of them some past partition was made of already, told by what is in them."},
}

var summaryDocs = map[string]MetricDoc{
	"mean":           {Call: "mean(m)", Doc: "The mean of the metric m on the past partitions."},
	"median":         {Call: "median(m)", Doc: "The value in the middle, or halfway between the two."},
	"min":            {Call: "min(m)", Doc: "The least value."},
	"max":            {Call: "max(m)", Doc: "The greatest value."},
	"sum":            {Call: "sum(m)", Doc: "The sum."},
	"stddev":         {Call: "stddev(m)", Doc: "The standard deviation of the sample; null of one."},
	"quantile":       {Call: "quantile(m, q)", Doc: "The quantile, interpolated between the two nearest values."},
	"forecast":       {Call: "forecast(m, season)", Doc: "What comes next (Holt and Winters), with a season of so many partitions; needs at least two seasons."},
	"forecast_error": {Call: "forecast_error(m, season)", Doc: "How far off such a forecast is: its standard error."},
	"last":           {Call: "last(m)", Doc: "The value on the latest of them."},
	"all":            {Call: "all(m)", Doc: "The values of a metric that is a list, of all of them together."},
}
