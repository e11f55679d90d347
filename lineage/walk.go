package lineage

// Tree is a node with what lies beyond it in one direction.
type Tree struct {
	*Node
	Next []Tree `json:"next,omitempty"`
	// Seen says that the node stands elsewhere in the tree with what lies beyond it, which is left
	// out here: before, or nearer to the root.
	Seen bool `json:"seen,omitempty"`
	// Again says that of this node and the one before it one was read for the other only when that
	// was computed again, and came out the same; Lapsed, that it was done without then.
	Again  bool `json:"again,omitempty"`
	Lapsed bool `json:"lapsed,omitempty"`
	// Made is what is on record of a version, State what became of it. Both are nil of all else.
	Made  *Made  `json:"made,omitempty"`
	State *State `json:"state,omitempty"`
	// Flow is what is known of a dataset or a stage.
	Flow *Flow `json:"flow,omitempty"`
}

// Walk gives the tree of a node, at most depth edges deep; a negative depth has no end. What lies
// beyond a node is there once: without an end where the node comes first, else where it is nearest to
// the root, so that nothing is cut off that could be reached.
func (g *Graph) Walk(n Node, dir Direction, depth int) *Tree {
	i, ok := g.place(n)
	if !ok || !g.there(i) {
		return &Tree{Node: &n}
	}
	w := walk{g: g, edges: g.edges(dir), dir: dir, expanded: make([]bool, len(g.nodes)), states: make([]*State, len(g.nodes))}
	if depth >= 0 {
		w.far = g.distances(i, dir, depth)
	}
	t := &Tree{}
	w.tree(t, i, 0, depth)
	return t
}

type walk struct {
	g        *Graph
	edges    *edges
	dir      Direction
	expanded []bool
	far      []int    // from the root; nil: it does not matter
	states   []*State // of those that were met
}

func (w *walk) tree(t *Tree, i uint32, at, depth int) {
	g := w.g
	t.Node, t.Made, t.State, t.Flow = &g.nodes[i], g.made[i], w.state(i), g.flows[i]
	next := w.edges.of(i)
	if at == depth || len(next) == 0 {
		return
	}
	if w.expanded[i] || w.far != nil && w.far[i] < at {
		t.Seen = true
		return
	}
	w.expanded[i] = true
	t.Next = make([]Tree, 0, len(next))
	for _, j := range next {
		from, to := i, j
		if w.dir == Up {
			from, to = j, i
		}
		if g.there(j) && g.read(from, to) {
			t.Next = append(t.Next, Tree{Again: g.again(from, to), Lapsed: g.lapsed(from, to)})
			w.tree(&t.Next[len(t.Next)-1], j, at+1, depth)
		}
	}
}

func (w *walk) state(i uint32) *State {
	if w.states[i] == nil {
		w.states[i] = w.g.state(i)
	}
	return w.states[i]
}

// distances are how far nodes are from one, of those that can be reached in so many steps.
func (g *Graph) distances(from uint32, dir Direction, depth int) []int {
	far := make([]int, len(g.nodes))
	g.each([]uint32{from}, dir, depth, nil, func(i uint32, steps int) { far[i] = steps })
	return far
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
	var places []uint32
	for _, n := range from {
		if i, ok := g.place(n); ok {
			places = append(places, i)
		}
	}
	g.each(places, dir, depth, by, func(i uint32, _ int) { reached[i] = true })
	return reached
}

// each goes over what can be reached from some places, the nearest first, with how many steps it is
// away.
func (g *Graph) each(from []uint32, dir Direction, depth int, by func(from, to uint32) bool, found func(i uint32, steps int)) {
	seen := make([]bool, len(g.nodes))
	var now, next []uint32
	steps := 0
	add := func(i uint32) {
		if !seen[i] && g.there(i) {
			seen[i] = true
			found(i, steps)
			next = append(next, i)
		}
	}
	for _, i := range from {
		add(i)
	}
	for edges := g.edges(dir); steps != depth && len(next) > 0; {
		steps++
		now, next = next, now[:0]
		for _, i := range now {
			for _, j := range edges.of(i) {
				from, to := i, j
				if dir == Up {
					from, to = j, i
				}
				if g.read(from, to) && (by == nil || by(from, to)) {
					add(j)
				}
			}
		}
	}
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
