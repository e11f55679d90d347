package draw

import (
	"cmp"
	"slices"
)

// sheet is a picture in layers: each node in one, and edges between neighbouring layers only,
// through points in between where they are longer.
type sheet struct {
	p *Picture
	// layer of each node, and of each point in between after them.
	layer  []int
	layers [][]int // places by layer, in their order from the top
	chains [][]int // of each edge, the places that it goes through, from left to right
	turned []bool  // edges that lead from right to left
	left   [][]int // of each place, those before it, and after it
	right  [][]int
}

// arrange lays the picture out in layers: each node as far to the left as what leads to it allows.
func arrange(p *Picture) *sheet {
	s := &sheet{p: p, layer: make([]int, len(p.Nodes)), turned: make([]bool, len(p.Edges))}
	s.turn()
	s.rank()
	s.pullRight()
	s.chain()
	s.order()
	return s
}

// ends are the nodes of an edge from left to right.
func (s *sheet) ends(i int) (from, to int) {
	e := s.p.Edges[i]
	if s.turned[i] {
		return e.To, e.From
	}
	return e.From, e.To
}

// turn finds edges that close a circle, and has them drawn the other way round.
func (s *sheet) turn() {
	out := make([][]int, len(s.p.Nodes))
	for i, e := range s.p.Edges {
		out[e.From] = append(out[e.From], i)
	}
	const fresh, open, done = 0, 1, 2
	state := make([]byte, len(s.p.Nodes))
	var visit func(n int)
	visit = func(n int) {
		state[n] = open
		for _, i := range out[n] {
			switch to := s.p.Edges[i].To; state[to] {
			case open:
				s.turned[i] = true
			case fresh:
				visit(to)
			}
		}
		state[n] = done
	}
	for n := range s.p.Nodes {
		if state[n] == fresh {
			visit(n)
		}
	}
}

// rank puts each node behind all that lead to it.
func (s *sheet) rank() {
	waits := make([]int, len(s.p.Nodes))
	out := make([][]int, len(s.p.Nodes))
	for i := range s.p.Edges {
		if from, to := s.ends(i); from != to {
			waits[to]++
			out[from] = append(out[from], to)
		}
	}
	var ready []int
	for n, w := range waits {
		if w == 0 {
			ready = append(ready, n)
		}
	}
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		for _, to := range out[n] {
			s.layer[to] = max(s.layer[to], s.layer[n]+1)
			if waits[to]--; waits[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
}

// pullRight moves what nothing leads to next to what it leads to, so that edges are short.
func (s *sheet) pullRight() {
	nearest := make([]int, len(s.p.Nodes))
	entered := make([]bool, len(s.p.Nodes))
	for i := range s.p.Edges {
		if from, to := s.ends(i); from != to {
			entered[to] = true
			if nearest[from] == 0 || s.layer[to] < nearest[from] {
				nearest[from] = s.layer[to]
			}
		}
	}
	for n := range s.p.Nodes {
		if !entered[n] && nearest[n] > 0 {
			s.layer[n] = nearest[n] - 1
		}
	}
}

// chain gives long edges a point in each layer that they cross.
func (s *sheet) chain() {
	depth := 0
	for _, l := range s.layer {
		depth = max(depth, l+1)
	}
	s.layers = make([][]int, depth)
	for n, l := range s.layer {
		s.layers[l] = append(s.layers[l], n)
	}
	s.chains = make([][]int, len(s.p.Edges))
	for i := range s.p.Edges {
		from, to := s.ends(i)
		way := []int{from}
		for l := s.layer[from] + 1; l < s.layer[to]; l++ {
			point := len(s.layer)
			s.layer = append(s.layer, l)
			s.layers[l] = append(s.layers[l], point)
			way = append(way, point)
		}
		s.chains[i] = append(way, to)
	}
	s.left, s.right = make([][]int, len(s.layer)), make([][]int, len(s.layer))
	for _, way := range s.chains {
		for k := 1; k < len(way); k++ {
			if a, b := way[k-1], way[k]; a != b {
				s.left[b], s.right[a] = append(s.left[b], a), append(s.right[a], b)
			}
		}
	}
}

// sweeps is how often the order of layers is looked at, there and back.
const sweeps = 12

// order puts each place at the mean of those it is joined to, so that few edges cross. The order
// with the fewest crossings is kept.
func (s *sheet) order() {
	best, crossings := s.copied(), s.crossings()
	for k := range sweeps {
		at := s.positions()
		if k%2 == 0 {
			for l := 1; l < len(s.layers); l++ {
				s.sortLayer(l, s.left, at)
			}
		} else {
			for l := len(s.layers) - 2; l >= 0; l-- {
				s.sortLayer(l, s.right, at)
			}
		}
		if n := s.crossings(); n < crossings {
			best, crossings = s.copied(), n
		}
	}
	s.layers = best
}

func (s *sheet) copied() [][]int {
	all := make([][]int, len(s.layers))
	for i, l := range s.layers {
		all[i] = slices.Clone(l)
	}
	return all
}

// positions are the places' places in their layers.
func (s *sheet) positions() []float64 {
	at := make([]float64, len(s.layer))
	for _, layer := range s.layers {
		for i, n := range layer {
			at[n] = float64(i)
		}
	}
	return at
}

func (s *sheet) sortLayer(l int, near [][]int, at []float64) {
	want := map[int]float64{}
	for _, n := range s.layers[l] {
		want[n] = at[n]
		if len(near[n]) > 0 {
			sum := 0.0
			for _, m := range near[n] {
				sum += at[m]
			}
			want[n] = sum / float64(len(near[n]))
		}
	}
	slices.SortStableFunc(s.layers[l], func(a, b int) int { return cmp.Compare(want[a], want[b]) })
	for i, n := range s.layers[l] {
		at[n] = float64(i)
	}
}

// crossings counts the pairs of edges that cross between neighbouring layers.
func (s *sheet) crossings() (n int) {
	at := s.positions()
	for _, layer := range s.layers {
		var ends []int // on the right, in the order of those on the left
		most := 0
		for _, a := range layer {
			own := len(ends)
			for _, b := range s.right[a] {
				ends = append(ends, int(at[b]))
				most = max(most, int(at[b])+1)
			}
			slices.Sort(ends[own:])
		}
		n += inversions(ends, most)
	}
	return n
}

// inversions counts the pairs that stand the wrong way round, by a tree of sums.
func inversions(ends []int, most int) (n int) {
	tree := make([]int, most+1)
	for seen, e := range ends {
		before := 0
		for i := e + 1; i > 0; i -= i & -i {
			before += tree[i]
		}
		n += seen - before
		for i := e + 1; i <= most; i += i & -i {
			tree[i]++
		}
	}
	return n
}
