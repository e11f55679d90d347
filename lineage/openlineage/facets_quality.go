package openlineage

// ColumnLineage says which input columns each column of an output comes from.
type ColumnLineage struct {
	Base
	Fields map[string]InputFields `json:"fields"`
	// Dataset are the columns that decide which rows there are.
	Dataset []InputField `json:"dataset,omitempty"`
}

// InputFields are those that a column comes from.
type InputFields struct {
	InputFields []InputField `json:"inputFields"`
}

// InputField is a column of an input.
type InputField struct {
	DatasetID
	Field           string           `json:"field"`
	Transformations []Transformation `json:"transformations"`
}

// Transformation is what became of it.
type Transformation struct {
	Type    string `json:"type"`
	Subtype string `json:"subtype"`
	Masking bool   `json:"masking"`
}

// QualityMetrics are numbers about a dataset.
type QualityMetrics struct {
	Base
	Rows    int64                    `json:"rowCount"`
	Bytes   int64                    `json:"bytes"`
	Files   int64                    `json:"fileCount"`
	Columns map[string]ColumnMetrics `json:"columnMetrics"`
}

// ColumnMetrics are numbers about a column.
type ColumnMetrics struct {
	Nulls     *int64             `json:"nullCount,omitempty"`
	Distinct  *int64             `json:"distinctCount,omitempty"`
	Sum       *float64           `json:"sum,omitempty"`
	Count     *float64           `json:"count,omitempty"`
	Min       *float64           `json:"min,omitempty"`
	Max       *float64           `json:"max,omitempty"`
	Quantiles map[string]float64 `json:"quantiles,omitempty"`
}

// QualityAssertions are what the gates found of a dataset.
type QualityAssertions struct {
	Base
	Assertions []Assertion `json:"assertions"`
}

// Assertion is what one rule found.
type Assertion struct {
	Assertion   string            `json:"assertion"`
	Success     bool              `json:"success"`
	Column      string            `json:"column,omitempty"`
	Severity    string            `json:"severity,omitempty"`
	Name        string            `json:"name,omitempty"`
	Description string            `json:"description,omitempty"`
	Expected    string            `json:"expected,omitempty"`
	Actual      string            `json:"actual,omitempty"`
	Content     string            `json:"content,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	Params      map[string]string `json:"params,omitempty"`
}

// Test is the same by what was run: those that could not be decided are in it, too.
type Test struct {
	Base
	Tests []TestExecution `json:"tests"`
}

// TestExecution is what became of one rule: pass, fail or skip.
type TestExecution struct {
	Name        string            `json:"name"`
	Status      string            `json:"status"`
	Severity    string            `json:"severity,omitempty"`
	Type        string            `json:"type,omitempty"`
	Description string            `json:"description,omitempty"`
	Expected    string            `json:"expected,omitempty"`
	Actual      string            `json:"actual,omitempty"`
	Content     string            `json:"content,omitempty"`
	ContentType string            `json:"contentType,omitempty"`
	Params      map[string]string `json:"params,omitempty"`
}
