package pipeline

import "github.com/apache/arrow-go/v18/arrow"

// Facts are what is known of a column in some rows without reading them. The zero Facts
// know nothing. They may be weak, and must not be wrong.
type Facts struct {
	// Min and Max bound the values that are neither null nor NaN; nil is no bound. They
	// need not be values themselves. They are an int64 for signed numbers, dates,
	// instants, times, durations and decimals of up to 18 digits (in the column's own
	// unit and scale), a uint64, a float64, a bool, or a string for texts and bytes.
	Min, Max any
	// MinIs and MaxIs say that the bound is the value of some row.
	MinIs, MaxIs bool
	// NoNaN says that no value is NaN.
	NoNaN bool
	// Nulls is how many rows are null, where HasNulls says that this is known.
	Nulls    int64
	HasNulls bool
	// Values, if not nil, has every value that is not null, in any order: those of a
	// dictionary. It is of the column's type, or of that of the dictionary's values.
	Values arrow.Array
	// Lacks, if not nil, says that no row has a value, which is as Min and Max are. False
	// says nothing. It may read a little of an index of the file, and is safe for concurrent
	// use.
	Lacks func(value any) bool
}
