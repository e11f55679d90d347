package lineage

import "slices"

// edges are the edges of a graph in one direction, packed: those of place i lead to the places
// to[start[i]:start[i+1]], which are sorted.
type edges struct{ start, to []uint32 }

func (e *edges) of(i uint32) []uint32 { return e.to[e.start[i]:e.start[i+1]] }

// pack makes edges of pairs of places, of which there are n.
func pack(n int, from, to []uint32) edges {
	e := edges{start: make([]uint32, n+1), to: make([]uint32, len(to))}
	for _, i := range from {
		e.start[i+1]++
	}
	for i := range n {
		e.start[i+1] += e.start[i]
	}
	at := slices.Clone(e.start[:n])
	for k, i := range from {
		e.to[at[i]] = to[k]
		at[i]++
	}
	return e.distinct(n)
}

// distinct sorts the edges of each place, and leaves out those that are there twice.
func (e edges) distinct(n int) edges {
	kept, first := uint32(0), uint32(0)
	for i := range n {
		own := e.to[first:e.start[i+1]]
		first = e.start[i+1]
		slices.Sort(own)
		own = slices.Compact(own)
		kept += uint32(copy(e.to[kept:], own))
		e.start[i+1] = kept
	}
	e.to = e.to[:kept]
	return e
}
