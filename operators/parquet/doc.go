// Package parquet reads and writes Parquet.
//
// Reading goes from the pages straight into Arrow arrays; only the columns asked for are
// touched. A row group is a split, or several if it has more than two million rows and an
// offset index for each of its columns, all of them flat. A column of strings that every
// row group keeps as a dictionary is given as an Arrow dictionary, one for each row group,
// so that those who read it may work on its values once; all other strings are plain.
//
// Parquet types become the Arrow types they stand for: integers of 8 to 64 bits with
// or without sign, floats, booleans, strings and bytes, dates, times and timestamps
// (with the zone UTC where the file says so), decimals, UUIDs as strings, and groups,
// lists and maps of these. A column of a type not named here is left out of what can be
// read: it is an error only to ask for it.
//
// A split says what is known of its rows: by the footer's statistics, by the page indexes,
// by dictionaries that have every value, by Bloom filters. It reads some of its rows
// without decoding the others: whole pages are passed over, by the offset index where
// there is one, and of the others only the rows that are kept are gathered.
//
// Writing makes the pages of a row group from Arrow arrays. A dictionary that values come
// with is kept; for others one is tried, and left where it does not make them smaller.
// Columns that compression does not shrink are not compressed, unless Format says by what.
// Pages have checksums and are indexed by their bounds. A column that another file keeps
// just as this one would is taken over byte by byte, once its bytes have been checked.
//
// Nothing that a file says is believed before it is checked: sizes against the
// file's, checksums of pages where they are there, decoded rows against the footer, page
// indexes against the pages. Memory is taken for what a file has, not for what it says it
// has. Of a file that we published the footer, and each column chunk before a value of it
// is used, are held against their digests.
package parquet
