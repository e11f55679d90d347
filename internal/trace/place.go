package trace

// Place is a row of a source: the number of the source, and where the row stands in it.
type Place int64

// None is the place of no row: on one side of an outer join.
const None Place = -1

// At is the place of a row of a source.
func At(source int32, row int64) Place { return Place(int64(source)<<32 | row) }

// Source is the number of the source.
func (p Place) Source() int32 { return int32(p >> 32) }

// Row is where the row stands in the source, from 0.
func (p Place) Row() int64 { return int64(p) & (1<<32 - 1) }
