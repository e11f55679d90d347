// Package expr evaluates CEL over record batches. It is the only importer of cel-go.
//
// # Types
//
// A column is a variable of the expression, by its name; a name that is no CEL
// identifier is written col("the name"). Its CEL type follows from its Arrow type:
//
//	int8 … int64                      int
//	uint8 … uint64                    uint
//	float32, float64                  double
//	bool                              bool
//	utf8, large_utf8, string_view     string
//	binary, large_binary              bytes
//	date32, date64, timestamp         timestamp (a date is its midnight in UTC)
//	time32, time64, duration          duration (a time is what passed since midnight)
//
// and so for dictionaries of these. An expression that reads a column of any other
// type is refused. Numbers of different types compare, but don't calculate: write
// double(distance) * 1.5. A timestamp column compares with a string literal, which
// is read once as RFC 3339, "2006-01-02 15:04:05" or "2006-01-02", in UTC.
//
// # Null
//
// An operator or a function on null yields null. && and || absorb it as CEL absorbs
// errors: false && null is false, true || null is true. The ternary is null if its
// condition is. x == null and x != null are exact.
//
// # Functions
//
// The standard library of CEL, its extensions for strings, math, sets, lists and
// encoders, and these:
//
//	lower(string), upper(string), trim(string) → string
//	coalesce(a, b, …) → the first that is not null; all of one type
//	abs(int), abs(double) → the same; abs of the least int is an overflow
//	round(double) → double; halves away from zero
//	is_nan(double) → bool
//	year, month, day, hour, minute(timestamp) → int; in UTC, January and the first are 1
//	date_trunc(string, timestamp) → timestamp; "year", "month", "day", "hour", "minute"
package expr
