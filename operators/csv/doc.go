// Package csv reads and writes CSV.
//
// A file has a line of column names, unless told otherwise. An empty field is null, and
// so are the texts that Source.Null lists. A declared schema names some or all of the
// columns; those it does not name are inferred, as all are without one, from the first
// 10,000 rows: int64, float64, bool, date (2006-01-02), timestamp (2006-01-02 15:04:05,
// with T and zone if you like, kept as UTC microseconds), or else string. Digits with a
// zero in front, like postal codes, are strings.
//
// Source.Lines leaves rows out by their first line, as it is in the file: a row may go on
// where a quoted field has an end of line in it, and is then taken or left out whole. The
// header is always taken, and line numbers in messages are those of the file. So a source
// may leave out the trailer of a file, and another read nothing else.
//
// A field that is not of its column's type, a line with too few or too many fields, and
// bytes that are not UTF-8 are errors with their line: nothing is guessed and nothing
// left out.
//
// Written files have a header; null is an empty field, and so is the empty string.
// Fields that begin with =, +, - or @ are written as they are: a spreadsheet may take
// them for formulas.
package csv
