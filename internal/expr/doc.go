// Package expr evaluates CEL over record batches. It is the only importer of cel-go.
//
// # Types
//
// A column is a variable of the expression, by its name; a name that is no CEL
// identifier is written col("the name"). Its CEL type follows from its Arrow type:
//
//	int8 … int64                         int
//	uint8 … uint64                       uint
//	float16, float32, float64            double
//	bool                                 bool
//	utf8, large_utf8, string_view        string
//	binary, large_binary, binary_view,
//	fixed_size_binary                    bytes
//	date32, date64, timestamp            timestamp (a date is its midnight in UTC)
//	time32, time64, duration             duration (a time is what passed since midnight)
//	decimal32 … decimal256               decimal
//	list, large_list, fixed_size_list    list
//	struct                               an object: at.city, has(at.city)
//	map                                  map
//	null                                 null
//
// and so for dictionaries and run-end encoded columns of these. An expression that reads
// a column of any other type is refused. A timestamp further than some 290,000 years
// from 1970, and a time or duration of more nanoseconds than an int64 holds, is an error
// of its row.
//
// Numbers of different types can be ordered, but neither be calculated with nor tested
// for equality: write double(distance) * 1.5.
//
// # Dates
//
// A string literal that stands beside a date or timestamp in a comparison is read once,
// as RFC 3339, "2006-01-02 15:04:05" or "2006-01-02", in UTC. Beside a date stands what
// is seen to be one: a column, a metric of one, timestamp(…), date_trunc(…), and sums,
// coalesce and ternaries of these.
//
// # Decimals
//
// Decimals are exact, on up to 76 digits, and never pass through a double. They compare
// with each other, and +, - and * give a decimal; so do abs(d) and round(d, places), which
// rounds halves away from zero. A number that is written beside a decimal is one too, as
// it is written: price * 1.07 >= 10.50. decimal(x) makes one of an int, a uint or a
// string; int(d) cuts off the fraction, double(d) is the nearest double, and string(d)
// has no zeros at its end. There is no division: say of how many places it should be by
// dividing doubles and rounding. The overloads are called add_decimal, less_decimal and so
// on. A result has 38 digits and as many places as its columns and numbers imply; where
// that is not known, round says it.
//
// # Null
//
// An operator or a function on null yields null. && and || absorb it as CEL absorbs
// errors: false && null is false, true || null is true. The ternary is null if its
// condition is. x == null and x != null are exact, and has(x.field) is whether the field
// is not null. NaN is not null: every comparison with it is false, but for !=.
//
// # Functions
//
// The standard library of CEL, its extensions for strings, math, sets, lists, optional
// values, regular expressions and encoders (base64), and these:
//
//	lower(string), upper(string), trim(string) → string
//	like(string, pattern) → bool; % is any text, _ any character, \ takes their meaning
//	coalesce(a, b, …) → the first that is not null; up to eight, all of one type
//	in_list(x, [a, b, …]) → bool; as x in [a, b, …]: looked up by hash, however long
//	abs(int), abs(double), abs(decimal) → the same; abs of the least int is an overflow
//	round(double) → double; halves away from zero
//	round(decimal, int) → decimal; 0 to 76 places
//	is_nan(double) → bool
//	decimal(int), decimal(uint), decimal(string) → decimal; an error if it is none
//	year, month, day, hour, minute(timestamp) → int; in UTC, January and the first are 1
//	date_trunc(string, timestamp) → timestamp; "year", "month", "day", "hour", "minute"
//
// # Speed
//
// An expression is evaluated a column at a time, over chunks of some thousand rows, and
// what several rules of a stage have in common once. A column that is a dictionary is
// evaluated on its values, and looked up. The right side of && and || is evaluated only
// on rows that the left does not decide. What has no such form is left to cel-go, for that
// part alone, row by row; explain says which part that is, and why.
//
// # Bounds
//
// An expression has at most 64 KiB of text, 200 levels, and three macros within each
// other. It may take a second for a batch, make texts of up to 16 MiB each and 256 MiB for
// a batch, and lists of up to a million elements; a regular expression that is no constant
// may have 1,000 bytes. What passes a bound is an error, of the row where that can be said,
// else of the run. It is never a pass.
package expr
