package lineage

// Part is a part of a graph, by places in Nodes.
type Part struct {
	Nodes []Node
	Edges [][2]int
}

// Part gives what lies up and down of some nodes, in at most depth edges; a negative depth has no
// end. Edges are those on the ways there.
func (g *Graph) Part(from []Node, up, down bool, depth int) *Part {
	var above, below []bool
	if up || !down {
		above = g.reach(from, Up, depth)
	}
	if down {
		below = g.reach(from, Down, depth)
	}
	in := func(set []bool, i uint32) bool { return set != nil && set[i] }
	p, places := &Part{}, make([]int, len(g.nodes))
	for i, n := range g.nodes {
		if in(above, uint32(i)) || in(below, uint32(i)) {
			places[i] = len(p.Nodes)
			p.Nodes = append(p.Nodes, n)
		}
	}
	for i := range g.nodes {
		from := uint32(i)
		for _, to := range g.down.of(from) {
			if (in(above, from) && in(above, to) || in(below, from) && in(below, to)) && g.read(from, to) {
				p.Edges = append(p.Edges, [2]int{places[from], places[to]})
			}
		}
	}
	return p
}
