// Package compare finds out how the rows of two versions of a dataset differ, in memory that a
// budget bounds.
//
// Of each row it knows two numbers: a hash of 128 bits of its key, by which rows of both sides
// find each other, and one of 64 bits of all else. They are logged in the order of their first
// bits, in memory or in a private file, and put together a part at a time. What only rows that
// changed need, the hashes of their columns, is read afterwards, for those rows alone.
//
// Two values are the same if they are equal as numbers, times and texts are, null to null, NaN to
// NaN and -0 to 0, whichever width or encoding they are kept in; lists and structs if all in them
// is, in its order. That two values which differ are taken for the same has a chance of one in
// 10^19.
//
// A key may name several rows. Then the rows of both sides that are the same in all columns
// belong together; of the others the first of one side is taken for the first of the other, and
// so on: they changed. What is left was added or removed. Without a key, rows are the same or
// they are not.
//
// Unequal answers less, of two sides whose columns may have other names and are compared in a form
// of their own: which rows, or keys, have no counterpart. It reads each side once, and proves by
// digests of many rows that most need not be looked for.
package compare
