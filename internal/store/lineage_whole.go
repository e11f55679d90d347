package store

import "slices"

// A query that reaches much of the index reads it from end to end, which takes a fraction of asking
// for it a step at a time: once it has read more than one of so many nodes.
const wholeAfter = 16

// leastWhole is how many nodes a query has read before that is asked. It is a variable for tests.
var leastWhole = 5000

// much reports whether a query has read so much that it had better read all.
func (l *lineageReader) much() (bool, error) {
	if len(l.nodes) < leastWhole {
		return false, nil
	}
	var all int64
	err := l.s.one(l.ctx, `SELECT coalesce(max(id), 0) FROM lineage_nodes`).Scan(&all)
	return int64(len(l.nodes)) > all/wholeAfter, err
}

// whole is all that the index has of lineage: nodes by their numbers, and edges by the end that they
// are followed from.
type whole struct {
	nodes map[int64]*nodeRow
	last  int64 // the highest number
	edges []edge
	by    map[string]*ends // "made" and "read", as far as they were asked for
}

// ends are the places of edges in order of the nodes that they are followed from: those of a node are
// order[start[id]:start[id+1]].
type ends struct{ start, order []int32 }

func endsOf(edges []edge, nodes int64, end func(edge) int64) *ends {
	x := &ends{start: make([]int32, nodes+2), order: make([]int32, len(edges))}
	for _, e := range edges {
		x.start[end(e)+1]++
	}
	for i := range nodes + 1 {
		x.start[i+1] += x.start[i]
	}
	at := slices.Clone(x.start)
	for i, e := range edges {
		x.order[at[end(e)]] = int32(i)
		at[end(e)]++
	}
	return x
}

// readWhole reads all there is, once.
func (l *lineageReader) readWhole() error {
	if l.whole != nil {
		return nil
	}
	w := &whole{nodes: map[int64]*nodeRow{}, by: map[string]*ends{}}
	// Edges first: what somebody adds meanwhile may have nodes that no edge leads to, and not the reverse.
	err := eachEdge(l.ctx, l.s, func(e edge) { w.edges = append(w.edges, e) }, `FROM lineage_edges`)
	if err == nil {
		err = eachNode(l.ctx, l.s, func(r *nodeRow) {
			w.nodes[r.id] = r
			w.last = max(w.last, r.id)
		}, `FROM lineage_nodes n`)
	}
	for _, e := range w.edges {
		if err == nil && (w.nodes[e.read] == nil || w.nodes[e.made] == nil) {
			err = errLineage(e.read)
		}
	}
	l.whole = w
	return err
}

// from are the edges that are followed from a node.
func (w *whole) from(by string, id int64) []int32 {
	if id > w.last {
		return nil
	}
	if w.by[by] == nil {
		w.by[by] = endsOf(w.edges, w.last, func(e edge) int64 {
			if by == "read" {
				return e.read
			}
			return e.made
		})
	}
	return w.by[by].order[w.by[by].start[id]:w.by[by].start[id+1]]
}

// followWhole is follow over all there is.
func (l *lineageReader) followWhole(ids []int64, seen map[int64]bool, depth int, by string, next func(edge) int64) error {
	if err := l.readWhole(); err != nil {
		return err
	}
	for ; depth != 0 && len(ids) > 0; depth-- {
		var beyond []int64
		for _, id := range ids {
			for _, i := range l.whole.from(by, id) {
				e := l.whole.edges[i]
				l.edges = append(l.edges, e)
				n := next(e)
				if seen[n] {
					continue
				}
				seen[n] = true
				beyond = append(beyond, n)
				if r := l.whole.nodes[n]; r != nil {
					l.nodes[n] = r
				}
			}
		}
		ids = beyond
	}
	return nil
}

// siblings adds the other versions of the partitions of some nodes.
func (w *whole) siblings(of map[int64]*nodeRow) {
	type partition struct{ dataset, name string }
	wanted := map[partition]bool{}
	for _, r := range of {
		wanted[partition{r.dataset, r.name}] = r.dataset != ""
	}
	for id, r := range w.nodes {
		if wanted[partition{r.dataset, r.name}] {
			of[id] = r
		}
	}
}
