package lineage

// Tree is a node with what lies beyond it in one direction.
type Tree struct {
	*Node
	Next []Tree `json:"next,omitempty"`
	// Seen says that the node stands in the tree before, and Next is left out here.
	Seen bool `json:"seen,omitempty"`
	// Made is what is on record of a version, State what became of it. Both are nil of all else.
	Made  *Made  `json:"made,omitempty"`
	State *State `json:"state,omitempty"`
	// Flow is what is known of a dataset or a stage.
	Flow *Flow `json:"flow,omitempty"`
}

// Walk gives the tree of a node, at most depth edges deep; a negative depth has no
// end. A node is expanded once, or again where the tree may go deeper.
func (g *Graph) Walk(n Node, dir Direction, depth int) *Tree {
	i, ok := g.place(n)
	if !ok || !g.there(i) {
		return &Tree{Node: &n}
	}
	if depth < 0 {
		depth = len(g.nodes)
	}
	w := walk{g, g.edges(dir), make([]int32, len(g.nodes)), make([]*State, len(g.nodes))}
	t := &Tree{}
	w.tree(t, i, int32(depth))
	return t
}

type walk struct {
	g      *Graph
	edges  *edges
	seen   []int32  // how deep a node was followed
	states []*State // of those that were met
}

func (w *walk) tree(t *Tree, i uint32, depth int32) {
	g := w.g
	*t = Tree{Node: &g.nodes[i], Made: g.made[i], State: w.state(i), Flow: g.flows[i]}
	next := w.edges.of(i)
	if depth == 0 || len(next) == 0 {
		return
	}
	if w.seen[i] >= depth {
		t.Seen = true
		return
	}
	w.seen[i] = depth
	t.Next = make([]Tree, 0, len(next))
	for _, j := range next {
		if g.there(j) {
			t.Next = append(t.Next, Tree{})
			w.tree(&t.Next[len(t.Next)-1], j, depth-1)
		}
	}
}

func (w *walk) state(i uint32) *State {
	if w.states[i] == nil {
		w.states[i] = w.g.state(i)
	}
	return w.states[i]
}

// Reach gives the nodes that can be reached from some in one direction, with themselves, in at most
// depth edges; a negative depth has no end. They are sorted.
func (g *Graph) Reach(from []Node, dir Direction, depth int) []Node {
	return g.listed(g.reach(from, dir, depth))
}

// listed are the nodes of a set of places.
func (g *Graph) listed(reached []bool) []Node {
	n := 0
	for _, in := range reached {
		if in {
			n++
		}
	}
	nodes := make([]Node, 0, n)
	for i, in := range reached {
		if in {
			nodes = append(nodes, g.nodes[i])
		}
	}
	return nodes
}

func (g *Graph) reach(from []Node, dir Direction, depth int) []bool {
	return g.reachBy(from, dir, depth, nil)
}

// reachBy goes along those edges of which by is true, or all if it is nil.
func (g *Graph) reachBy(from []Node, dir Direction, depth int, by func(from, to uint32) bool) []bool {
	reached := make([]bool, len(g.nodes))
	var now, next []uint32
	add := func(i uint32) {
		if !reached[i] && g.there(i) {
			reached[i] = true
			next = append(next, i)
		}
	}
	for _, n := range from {
		if i, ok := g.place(n); ok {
			add(i)
		}
	}
	edges := g.edges(dir)
	for ; depth != 0 && len(next) > 0; depth-- {
		now, next = next, now[:0]
		for _, i := range now {
			for _, j := range edges.of(i) {
				if by == nil || by(i, j) {
					add(j)
				}
			}
		}
	}
	return reached
}

// Latest leaves out of sorted nodes those of which a later version is among them.
func Latest(nodes []Node) []Node {
	var latest []Node
	for i, n := range nodes {
		if n.Dataset != "" && i+1 < len(nodes) && nodes[i+1].Dataset == n.Dataset && nodes[i+1].Partition == n.Partition {
			continue
		}
		latest = append(latest, n)
	}
	return latest
}
