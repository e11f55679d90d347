package lineage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// randomManifests are versions that were published one after the other, a minute apart: made of
// files and of what was there, or of versions that are not on record; some roll back, some are only
// judged again.
func randomManifests(r *rand.Rand) (all []*pipeline.Manifest) {
	latest := map[Node]*pipeline.Manifest{}
	for i := range 5 + r.IntN(40) {
		m := &pipeline.Manifest{
			Dataset: fmt.Sprint("d", r.IntN(4)), Partition: fmt.Sprint("p", r.IntN(3)), Pipeline: "x", Stage: "s",
			Published: begin.Add(time.Duration(i) * time.Minute),
			Files:     []pipeline.File{{Path: "part", SHA256: fmt.Sprint(i)}},
		}
		place := Node{Dataset: m.Dataset, Partition: m.Partition}
		before := latest[place]
		if before != nil {
			m.Version = before.Version
		}
		m.Version++
		switch how := r.IntN(5); {
		case before != nil && how == 0:
			m.Judged, m.Inputs, m.Files = before.Version, before.Inputs, before.Files
		case before != nil && how == 1:
			was := versionOf(all, place, 1+r.Int64N(before.Version))
			m.Rollback, m.Inputs, m.Files = &pipeline.Rollback{From: before.Version, To: was.Version}, was.Inputs, was.Files
		default:
			for range r.IntN(4) {
				m.Inputs = append(m.Inputs, randomInput(r, all))
			}
		}
		latest[place] = m
		all = append(all, m)
	}
	return all
}

func versionOf(all []*pipeline.Manifest, place Node, version int64) *pipeline.Manifest {
	i := slices.IndexFunc(all, func(m *pipeline.Manifest) bool {
		return m.Dataset == place.Dataset && m.Partition == place.Partition && m.Version == version
	})
	if i < 0 {
		return nil
	}
	return all[i]
}

func randomInput(r *rand.Rand, all []*pipeline.Manifest) pipeline.InputRecord {
	switch how := r.IntN(8); {
	case how == 0:
		return of("lost", "p0", 1)
	case how == 1:
		in := of("missing", "p0", 0)
		in.Missing = true
		return in
	case how < 4 || len(all) == 0:
		return file(fmt.Sprint("f", r.IntN(4), ".csv"), fmt.Sprint("a0b", r.IntN(2)))
	}
	m := all[r.IntN(len(all))]
	in := of(m.Dataset, m.Partition, m.Version)
	in.Data = m.DataDigest()
	return in
}

// again is that a version was computed again by a run that began at a time, and came out the same.
type again struct {
	inputs []pipeline.InputRecord
	at     time.Time
}

// randomAgain are what some versions were computed from again: other files, versions that were made
// meanwhile, some of them with the same data.
func randomAgain(r *rand.Rand, all []*pipeline.Manifest) map[Node]again {
	found := map[Node]again{}
	for i, m := range all {
		if r.IntN(3) > 0 || m.Rollback != nil {
			continue
		}
		when := i + r.IntN(len(all)-i)
		a, there := again{at: begin.Add(time.Duration(when)*time.Minute + time.Millisecond)}, all[:when+1]
		for _, in := range m.Inputs {
			if r.IntN(2) == 0 {
				in = randomInput(r, there)
			} else if later := versionOf(there, Node{Dataset: in.Dataset, Partition: in.Partition}, in.Version+1); later != nil {
				in.Version, in.Data = later.Version, later.DataDigest()
			}
			a.inputs = append(a.inputs, in)
		}
		if r.IntN(3) == 0 {
			a.inputs = append(a.inputs, randomInput(r, there))
		}
		found[nodeOf(m)] = a
	}
	return found
}

// oracle answers from manifests by looking at all of them each time, and at what was computed again.
type oracle struct {
	all   []*pipeline.Manifest
	again map[Node]again
}

func (o oracle) by(t time.Time) oracle {
	then := oracle{again: map[Node]again{}}
	for _, m := range o.all {
		if !m.Published.After(t) {
			then.all = append(then.all, m)
		}
	}
	for n, a := range o.again {
		if !a.at.After(t) {
			then.again[n] = a
		}
	}
	return then
}

// graph is of all that the oracle knows.
func (o oracle) graph() *Graph {
	var all []*Made
	for _, m := range o.all {
		made := Of(m)
		if a, ok := o.again[nodeOf(m)]; ok {
			made.CameAgain(m.Inputs, a.inputs, a.at)
		}
		all = append(all, made)
	}
	return Build(all)
}

func nodeOf(m *pipeline.Manifest) Node {
	return Node{Dataset: m.Dataset, Partition: m.Partition, Version: m.Version}
}

// edges are pairs of what was read and what was made.
func (o oracle) edges() (all [][2]Node) {
	for _, m := range o.all {
		for _, n := range append(readBy(m.Inputs), readBy(o.again[nodeOf(m)].inputs)...) {
			all = append(all, [2]Node{n, nodeOf(m)})
		}
	}
	return all
}

func readBy(inputs []pipeline.InputRecord) (all []Node) {
	for _, in := range inputs {
		for _, f := range in.Files {
			all = append(all, Node{File: f.Path, SHA256: f.SHA256})
		}
		if in.Dataset != "" && !in.Missing {
			all = append(all, Node{Dataset: in.Dataset, Partition: in.Partition, Version: in.Version})
		}
	}
	return all
}

// without are the inputs of a version that it was done without when it was computed again, and with
// those that it was not made of at first.
func (o oracle) without(n Node) (with, without []Node) {
	a, came := o.again[n]
	if !came {
		return nil, nil
	}
	var was []Node
	for _, m := range o.all {
		if nodeOf(m) != n {
			continue
		}
		was = readBy(m.Inputs)
		for _, in := range m.Inputs {
			same := func(now pipeline.InputRecord) bool {
				return in.Data != "" && now.Dataset == in.Dataset && now.Partition == in.Partition && now.Data == in.Data
			}
			for _, up := range readBy([]pipeline.InputRecord{in}) {
				if !slices.Contains(readBy(a.inputs), up) && !slices.ContainsFunc(a.inputs, same) {
					without = append(without, up)
				}
			}
		}
	}
	for _, up := range readBy(a.inputs) {
		if !slices.Contains(was, up) {
			with = append(with, up)
		}
	}
	for _, all := range []*[]Node{&with, &without} {
		slices.SortFunc(*all, compare)
		*all = slices.Compact(*all)
	}
	return with, without
}

func (o oracle) nodes() (all []Node) {
	for _, m := range o.all {
		all = append(all, nodeOf(m))
	}
	for _, e := range o.edges() {
		all = append(all, e[0])
	}
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

func (o oracle) reach(from Node, dir Direction, depth int) []Node {
	return reachBy(o.edges(), from, dir, depth)
}

// holding is what still holds something of a node.
func (o oracle) holding(from Node, depth int) []Node {
	return reachBy(slices.DeleteFunc(o.edges(), func(e [2]Node) bool {
		_, without := o.without(e[1])
		return slices.Contains(without, e[0])
	}), from, Down, depth)
}

// reachBy goes over all edges again and again until nothing is new.
func reachBy(edges [][2]Node, from Node, dir Direction, depth int) []Node {
	near := []Node{from}
	for steps := 0; steps != depth; steps++ {
		more := slices.Clone(near)
		for _, e := range edges {
			if dir == Up {
				e[0], e[1] = e[1], e[0]
			}
			if slices.Contains(near, e[0]) && !slices.Contains(more, e[1]) {
				more = append(more, e[1])
			}
		}
		if len(more) == len(near) {
			break
		}
		near = more
	}
	slices.SortFunc(near, compare)
	return near
}

// state is what became of a version.
func (o oracle) state(n Node) *State {
	var next, last, own *pipeline.Manifest
	for _, m := range o.all { // by time, and so by version
		switch {
		case m.Dataset != n.Dataset || m.Partition != n.Partition:
		case m.Version == n.Version:
			own = m
		case own != nil:
			if next == nil {
				next = m
			}
			last = m
		}
	}
	switch {
	case own == nil:
		return nil
	case next == nil:
		s := &State{Current: true}
		s.With, s.Without = o.without(n)
		return s
	}
	s := &State{ReplacedBy: next.Version, ReplacedAt: next.Published}
	switch {
	case next.Rollback != nil:
		s.How = fmt.Sprintf("rollback to v%d", next.Rollback.To)
	case next.Judged != 0:
		s.How = "judged again"
	}
	if last.DataDigest() == own.DataDigest() {
		s.Again = last.Version
	}
	return s
}

// inTree are the nodes of a tree.
func inTree(t *Tree) (all []Node) {
	all = append(all, *t.Node)
	for i := range t.Next {
		all = append(all, inTree(&t.Next[i])...)
	}
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

// The graph says what an oracle says that looks at every manifest each time, of now and of any time
// before; in trees and in pictures as well.
func TestGraphAgreesWithOracle(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 7))
		all := oracle{all: randomManifests(r)}
		all.again = randomAgain(r, all.all)
		whole := all.graph()
		then := begin.Add(time.Duration(r.IntN(len(all.all)+1)) * time.Minute).Add(-time.Second)
		for _, test := range []struct {
			name  string
			graph *Graph
			truth oracle
		}{{"now", whole, all}, {"then", whole.AsOf(then), all.by(then)}} {
			agree(t, fmt.Sprintf("seed %d, %s", seed, test.name), r, test.graph, test.truth)
		}
	}
}

func agree(t *testing.T, name string, r *rand.Rand, g *Graph, truth oracle) {
	t.Helper()
	nodes := truth.nodes()
	for _, n := range nodes {
		depth := r.IntN(5) - 1
		for _, dir := range []Direction{Up, Down} {
			want := truth.reach(n, dir, depth)
			if diff := cmp.Diff(want, g.Reach([]Node{n}, dir, depth)); diff != "" {
				t.Fatalf("%s: from %v, direction %d, depth %d: %s", name, n, dir, depth, diff)
			}
			if diff := cmp.Diff(want, inTree(g.Walk(n, dir, depth))); diff != "" {
				t.Fatalf("%s: the tree of %v, direction %d, depth %d: %s", name, n, dir, depth, diff)
			}
		}
		if diff := cmp.Diff(truth.holding(n, depth), g.Holding([]Node{n}, depth)); diff != "" {
			t.Fatalf("%s: what holds something of %v, depth %d: %s", name, n, depth, diff)
		}
		if diff := cmp.Diff(truth.state(n), g.State(n)); diff != "" {
			t.Fatalf("%s: the state of %v: %s", name, n, diff)
		}
		if n.Dataset != "" {
			continue
		}
		if found := g.Find(n.File+"#"+n.SHA256, "", 0); !slices.Contains(found, n) {
			t.Fatalf("%s: %v is not found", name, n)
		}
	}
	for _, dataset := range []string{"d0", "lost", "f1.csv", "nothing"} {
		var want []Node
		for _, n := range nodes {
			if n.Dataset == dataset || n.File == dataset {
				want = append(want, n)
			}
		}
		if diff := cmp.Diff(want, g.Find(dataset, "", 0)); diff != "" {
			t.Fatalf("%s: find %s: %s", name, dataset, diff)
		}
	}
	if len(nodes) > 0 {
		agreeOnPart(t, name, g, truth, nodes[r.IntN(len(nodes))])
	}
}

func agreeOnPart(t *testing.T, name string, g *Graph, truth oracle, n Node) {
	t.Helper()
	up, down := truth.reach(n, Up, -1), truth.reach(n, Down, -1)
	var want [][2]Node
	for _, e := range truth.edges() {
		if slices.Contains(up, e[0]) && slices.Contains(up, e[1]) || slices.Contains(down, e[0]) && slices.Contains(down, e[1]) {
			want = append(want, e)
		}
	}
	p := g.Part([]Node{n}, true, true, -1)
	var got [][2]Node
	for _, e := range p.Edges {
		got = append(got, [2]Node{p.Nodes[e[0]], p.Nodes[e[1]]})
	}
	byEnds := func(a, b [2]Node) int {
		if c := compare(a[0], b[0]); c != 0 {
			return c
		}
		return compare(a[1], b[1])
	}
	slices.SortFunc(want, byEnds)
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Fatalf("%s: the part around %v: %s", name, n, diff)
	}
}
