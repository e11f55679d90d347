// Package sketch has mergeable summaries of values: small states that are updated value by
// value, merged in the order of the rows, written as JSON and read again.
//
// What a state says of the values is exact (Histogram, Set, Moments up to rounding, Multiset,
// FloatSum, IntSum), within bounds that are certain (Quantiles, Frequent) or within bounds that
// hold with a stated probability (Distinct). Nothing here draws random numbers: the same values
// in the same order, merged in the same order, give the same state. States of Distinct,
// Histogram, Set, Multiset, FloatSum and IntSum are the same in any order.
//
// A state is used by one goroutine at a time, also when it is only asked. Merge leaves its
// argument as it was and takes no part of it over; a state is not merged with itself. Reading
// JSON allocates in proportion to the text, refuses what no state can be, and on an error leaves
// the state unchanged. Counts that are read are at most 2^53; counts in memory are meant to stay
// below 2^62, beyond which they are wrong, but nothing panics.
//
// Distinct is not apache/datasketches-go v0.2.0: the composite estimate of its unions is the same
// for any split and order of the rows, but the bytes it writes never were, in tests with its
// sketches of 4, 6 and 8 bits from 5 to a million values.
package sketch
