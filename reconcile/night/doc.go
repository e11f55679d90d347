// Package night is the report of a reconciliation's night: what matched, which breaks are new, aged
// and cleared, how it was on the nights before, and whether a person must look. Build makes a Night
// of what is on record; it is written as text, one HTML page, JSON, CSV and XLSX. It opens no file
// and asks no clock; the same Night gives the same bytes. Whatever comes from data, files or people
// is escaped for where it goes.
//
// The JSON is what a hook is given, too. Its fields are those of [Night], and stay while its version
// is [Version]: some may be added, none goes or changes its meaning. Amounts are decimals in texts,
// exact: "-1234.50".
package night
