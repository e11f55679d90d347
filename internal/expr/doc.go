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
// is seen to be one: a column, a metric of one, timestamp(…), date_trunc(…),
// parse_date(…), and sums, coalesce and ternaries of these.
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
//	ln, log10, exp(double) → double; pow(double, double) → double; math.sqrt, math.floor, math.ceil are CEL's
//	is_multiple(int, int) → bool; is the first the second times a whole number; of 0 only 0 is one
//
// # Calendar
//
// Of timestamps and dates, in UTC:
//
//	year, month, day, hour, minute, second(timestamp) → int; January and the first are 1
//	quarter(timestamp) → int; 1 to 4
//	day_of_year(timestamp) → int; 1 to 366
//	weekday(timestamp) → int; Monday is 1, Sunday 7, as ISO 8601 counts
//	week(timestamp) → int; of ISO 8601: 1 to 53, week 1 has the year's first Thursday
//	is_weekend(timestamp) → bool; Saturday or Sunday
//	is_business_day(timestamp) → bool; Monday to Friday, holidays too
//	is_month_end(timestamp) → bool; the last day of its month
//	date_trunc(string, timestamp) → timestamp; "year", "quarter", "month", "week" (its Monday), "day",
//	    "hour", "minute"
//
// In gates, these as well:
//
//	now() → timestamp; of the run
//	partition_start(), partition_end() → timestamp; where partitions are windows of time
//	partition_name() → string; as the partition is written: "2001-07", or "all" where there are none
//
// # Formats
//
// Whether a string is of a format, all of it: nothing around it is trimmed. None is an error.
//
//	is_blank(string) → bool; empty, or only white space
//	is_ascii(string) → bool; every byte is below 128
//	is_printable(string) → bool; valid UTF-8 without control characters, of which tab and new line are some
//	is_lower, is_upper(string) → bool; no letter is of the other case, nor of title case
//	is_integer(string) → bool; digits after an optional sign, however many
//	is_decimal(string) → bool; 12, -1.50, .5
//	is_number(string) → bool; a decimal, 1. too, with an optional exponent: 6.02e23; not NaN, Infinity
//	is_percentage(string) → bool; a decimal, perhaps a space, %
//	is_money(string) → bool; digits, plain or in groups of three, and two decimals or none: 1,234.50 or
//	    1.234,50; perhaps a sign, and, before or behind it, a currency: a sign (Unicode Sc) or three capitals
//	is_bool(string) → bool; true, false, yes, no, on, off, t, f, y, n, 1, 0, in any case
//	is_date(string) → bool; YYYY-MM-DD, of the calendar, years 0001 to 9999
//	is_email(string) → bool; a dot-atom of RFC 5322, up to 64 bytes, @, a host name (RFC 1123) of two labels
//	    or more, the last no number; up to 254 bytes of ASCII; no display name, quotes or comments
//	is_url(string) → bool; RFC 3986: http, https or ftp, a host (a name, IPv4, or [IPv6]), perhaps user, port,
//	    path, query and fragment; what is not ASCII has to be percent-encoded
//	is_ipv4, is_ipv6(string) → bool; four numbers without leading zeros; RFC 4291 without a zone
//	is_http_method(string) → bool; those of RFC 9110 and PATCH, in capitals
//	is_uuid(string) → bool; RFC 9562: 8-4-4-4-12 hexadecimal digits, any case, any version
//	is_phone(string) → bool; 7 to 15 digits (E.164), perhaps after a + that no 0 follows; single spaces,
//	    hyphens and points between digits, and digits in round brackets
//	is_credit_card(string) → bool; 13 to 19 digits (ISO/IEC 7812), not all 0, the last by Luhn's algorithm;
//	    a space or hyphen may stand between digits
//	is_ssn(string) → bool; a US social security number, 123-45-6789, with spaces, or plain; not area 000, 666,
//	    9xx, group 00, serial 0000, 078-05-1120, 219-09-9999
//	is_json(string) → bool; one value of RFC 8259, in valid UTF-8, up to 1,000 levels deep
//	type_of_text(string) → string; "integer", "decimal" (a number that is no integer), "bool" (true or false in
//	    any case), "date" (as is_date), "timestamp" (such a date, T or a space, hh:mm, perhaps :ss, a fraction,
//	    and Z or an offset), "text", or "" of the empty string
//
// Dates of other layouts are written as strftime has it, and read to the letter:
//
//	is_date(string, layout) → bool
//	parse_date(string, layout) → timestamp; an error of the row if it is none
//
// %Y %y (69 to 68: 1969 to 2068) %m %d %H %M %S %j are zero-filled, %e is filled with a space, %-m %-d %-j %-H %-M
// %-S need no filling; %b %B %a %A are English names in any case; %I goes with %p (AM, PM); %f is 1 to 6 digits of a
// fraction; %z is Z, +hh, +hhmm or +hh:mm; %F is %Y-%m-%d, %T %H:%M:%S, %R %H:%M, %D %m/%d/%y, and %% a percent
// sign. What a layout leaves out is that of 1970-01-01 00:00:00 in UTC. A day that is not of the calendar, a weekday
// that is another, and a leap second are no dates.
//
// # JSON
//
// A path leads to one value, as in RFC 9535: $ is the whole, .name or ["name"] a member of an object (the last of that
// name), [0] an element of an array.
//
//	json_has(string, path) → bool; is it JSON with a value there, which may be null
//	json_type(string, path) → string; "object", "array", "string", "integer" (no fraction and no exponent is
//	    written), "number", "boolean", "null", or "" where json_has is false
//	json_text(string, path) → string; the value there: a string without its quotes, anything else, and null, as
//	    it is written; an error of the row where json_has is false
//	json_matches(string, schema) → bool; is it JSON that a JSON Schema allows: draft 2020-12, or which its
//	    $schema says. The schema is a literal; a $ref leads to a place within it or to a draft's own schema, and
//	    nothing is fetched; $dynamicRef is not known. It is an error of the row if the string has more than 4 MiB
//	    or a number of more than 1,000 digits, or if a recursive schema takes too long
//
// A mistake in a layout, path or schema that stands in the expression is found before anything is read; in one that a
// column gives, it is an error of the row.
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
