package store

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
	edges []edge
	by    map[string]map[int64][]int32 // "made" and "read", as far as they were asked for
}

// readWhole reads all there is, once.
func (l *lineageReader) readWhole() error {
	if l.whole != nil {
		return nil
	}
	w := &whole{nodes: map[int64]*nodeRow{}, by: map[string]map[int64][]int32{}}
	err := eachNode(l.ctx, l.s, func(r *nodeRow) { w.nodes[r.id] = r }, `FROM lineage_nodes n`)
	if err == nil {
		err = eachEdge(l.ctx, l.s, func(e edge) { w.edges = append(w.edges, e) }, `FROM lineage_edges`)
	}
	l.whole = w
	return err
}

// from are the edges that are followed from a node.
func (w *whole) from(by string, id int64) []int32 {
	all := w.by[by]
	if all == nil {
		all = make(map[int64][]int32, len(w.nodes))
		for i, e := range w.edges {
			end := e.made
			if by == "read" {
				end = e.read
			}
			all[end] = append(all[end], int32(i))
		}
		w.by[by] = all
	}
	return all[id]
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
