package pipeline

// A Measure is the value of one metric on one partition, for reports.
type Measure struct {
	Stage string `json:"stage"`
	// Metric is its text, as a rule has it: `null_share(email)`.
	Metric string `json:"metric"`
	// Text is the value for people, Number the value where it is one.
	Text   string   `json:"text"`
	Number *float64 `json:"number,omitempty"`
	// Error is how far the true value may be from Number, in its unit; 0 if it is exact.
	Error float64 `json:"error,omitempty"`
	// Past is what it was on published partitions before, the oldest first.
	Past []PastValue `json:"past,omitempty"`
	// Bins are the distribution of the metric's argument, where its state has one: of
	// numbers, in order, or of the most frequent texts.
	Bins []Bin `json:"bins,omitempty"`
}

// PastValue is the value of a metric on a published partition.
type PastValue struct {
	Partition string  `json:"partition"`
	Value     float64 `json:"value"`
}

// Bin is a bar of a distribution: the values from Low to High (the last bin with High), or
// those that are Label.
type Bin struct {
	Label string  `json:"label,omitempty"`
	Low   float64 `json:"low,omitempty"`
	High  float64 `json:"high,omitempty"`
	Count int64   `json:"count"`
}

// RowSample is a row that broke a rule.
type RowSample struct {
	// Source is where it came from: "eu/part-0007.parquet: row group 3".
	Source string `json:"source"`
	// Row counts the rows of Source from 0; -1 where operators moved them.
	Row int64 `json:"row"`
	// Key names the row: columns and their values.
	Key []Cell `json:"key,omitempty"`
	// Values are the columns the rule reads, only where row values may be shown.
	Values []Cell `json:"values,omitempty"`
	// Group is the key's rows, where several rows broke the rule together.
	Rows int64 `json:"rows,omitempty"`
}

// Cell is a value of a row, as text.
type Cell struct {
	Column string `json:"column"`
	Value  string `json:"value"`
}

// Blame says how much of a failure comes from one file or row group.
type Blame struct {
	// Source is the file, or the split of one.
	Source string `json:"source"`
	// Of Total failed rows (or whatever the rule's metric counts), Failed are from here.
	Failed int64 `json:"failed,omitempty"`
	Total  int64 `json:"total,omitempty"`
	// Without is what would be observed without it: "0.1%", Holds whether the rule
	// would hold then.
	Without string `json:"without,omitempty"`
	Holds   bool   `json:"holds,omitempty"`
}

// GroupFinding is what a rule with `by` found of one group.
type GroupFinding struct {
	Group    string  `json:"group"` // "region=eu, kind=a"
	Verdict  Verdict `json:"verdict"`
	Observed string  `json:"observed"`
}
