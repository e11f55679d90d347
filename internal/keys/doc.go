// Package keys counts keys exactly, in memory that a budget bounds: how many are
// distinct, which of them occur more than once, which are missing in another column.
//
// A key is a 128-bit hash of a row (rows.Keys). A Log takes keys in without looking at
// them, in blocks that are ordered by the first bits of the key, its partition; what is
// asked is answered a partition at a time, in a table that the cache holds. What the
// budget has no room for is spilled to one private file of the Store, in the same order
// and with checksums. Answers are exact or an error, and the same whatever was spilled
// and in whatever order logs were filled.
package keys
