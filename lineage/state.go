package lineage

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// AsOf is the graph as it was at a time: what was published later is not in it. A zero time is now.
func (g *Graph) AsOf(t time.Time) *Graph {
	then := *g
	then.at, then.lives = t, &lives{}
	return &then
}

// there reports whether a node was there at the time of the graph: a version that was published, or
// what one of those read.
func (g *Graph) there(i uint32) bool {
	if g.at.IsZero() {
		return true
	}
	if m := g.made[i]; m != nil {
		return !m.Published.After(g.at)
	}
	for _, by := range g.down.of(i) {
		if m := g.made[by]; m == nil || !m.Published.After(g.at) && g.read(i, by) {
			return true
		}
	}
	return false
}

// read reports whether by the time of the graph one of two was read for the other, between which
// there is an edge: it may be there for what was computed again later.
func (g *Graph) read(from, to uint32) bool {
	return g.at.IsZero() || g.made[to].cameBy(g.at) || !g.again(from, to)
}

// again reports whether one was read for the other only when that was computed again, and came out
// the same; lapsed, whether it was done without then.
func (g *Graph) again(from, to uint32) bool {
	m := g.made[to]
	return m != nil && len(m.Same) > 0 && has(m.Same, g.nodes[from])
}

func (g *Graph) lapsed(from, to uint32) bool {
	m := g.made[to]
	return m.cameBy(g.at) && has(m.Without, g.nodes[from])
}

// State says what became of a version.
type State struct {
	// Current says that readers see it.
	Current bool `json:"current"`
	// ReplacedBy is the version that took its place, and ReplacedAt is when. Both are zero of what
	// is current.
	ReplacedBy int64     `json:"replaced_by,omitempty"`
	ReplacedAt time.Time `json:"replaced_at,omitzero"`
	// How says what the version that took its place is, if it was not computed: "rollback to v1",
	// "judged again", "released rows".
	How string `json:"how,omitempty"`
	// With and Without are the inputs with which, and without which, what is current was computed
	// again since, and came out the same: it holds nothing of Without any more that another input
	// would not give.
	With    []Node `json:"with,omitempty"`
	Without []Node `json:"without,omitempty"`
	// Again is a later version with the same data that readers see: of what was judged again, or of
	// what a rollback brought back.
	Again int64 `json:"again,omitempty"`
}

// current is the state of most versions.
var current = &State{Current: true}

// State says what became of a version; nil of what is none, or none on record.
func (g *Graph) State(n Node) *State {
	i, ok := g.place(n)
	if !ok {
		return nil
	}
	return g.state(i)
}

func (g *Graph) state(i uint32) *State {
	own := g.made[i]
	if own == nil || !g.there(i) {
		return nil
	}
	next, last := g.after(i)
	if next == nil {
		return g.currently(i)
	}
	s := &State{ReplacedBy: next.Version, ReplacedAt: next.Published, How: next.how()}
	if last.Data != "" && last.Data == own.Data {
		s.Again = last.Version
	}
	return s
}

// lives says of each place which version took the place of the one there, and which is the last of
// the partition; 0 where there is none. It is worked out once, when it is asked for.
type lives struct {
	once       sync.Once
	next, last []uint32
}

// after gives the version that took the place of one, and the last of the partition.
func (g *Graph) after(i uint32) (next, last *Made) {
	l := g.lives
	l.once.Do(func() {
		l.next, l.last = make([]uint32, len(g.nodes)), make([]uint32, len(g.nodes))
		var next, last uint32 // of the partition, as far as it was seen from its end
		for i := uint32(len(g.nodes)); i > 0; i-- {
			n := &g.nodes[i-1]
			if of := &g.nodes[max(next, 1)-1]; next > 0 && (of.Partition != n.Partition || of.Dataset != n.Dataset) {
				next, last = 0, 0
			}
			l.next[i-1], l.last[i-1] = next, last
			if g.made[i-1] != nil && g.there(i-1) {
				next, last = i, max(last, i)
			}
		}
	})
	if l.next[i] == 0 {
		return nil, nil
	}
	return g.made[l.next[i]-1], g.made[l.last[i]-1]
}

// currently is the state of a version that is current.
func (g *Graph) currently(i uint32) *State {
	if !g.made[i].cameBy(g.at) {
		return current
	}
	s := &State{Current: true}
	for _, in := range g.up.of(i) {
		switch {
		case g.lapsed(in, i):
			s.Without = append(s.Without, g.nodes[in])
		case g.again(in, i):
			s.With = append(s.With, g.nodes[in])
		}
	}
	if len(s.With)+len(s.Without) == 0 {
		return current
	}
	return s
}

// Holding is Reach downwards, but for what was computed again since without it, and came out the
// same.
func (g *Graph) Holding(from []Node, depth int) []Node {
	return g.listed(g.reachBy(from, Down, depth, func(from, to uint32) bool { return !g.lapsed(from, to) }))
}

func (m *Made) how() string {
	switch {
	case m.Rollback != 0:
		return fmt.Sprintf("rollback to v%d", m.Rollback)
	case m.Judged != 0:
		return "judged again"
	case m.Released != 0:
		return "released rows"
	}
	return ""
}

// String is the state as people read it: "current", "replaced by v2 (rollback to v1) on
// 2026-01-02 03:04:05".
func (s *State) String() string {
	switch {
	case s == nil:
		return ""
	case s.Current && len(s.With)+len(s.Without) > 0:
		var how []string
		if len(s.With) > 0 {
			how = append(how, "with "+someOf(s.With))
		}
		if len(s.Without) > 0 {
			how = append(how, "without "+someOf(s.Without))
		}
		return "current; computed again since " + strings.Join(how, " and ") + ", and came out the same"
	case s.Current:
		return "current"
	}
	how := ""
	if s.How != "" {
		how = " (" + s.How + ")"
	}
	text := fmt.Sprintf("replaced by v%d%s on %s", s.ReplacedBy, how, s.ReplacedAt.Local().Format(time.DateTime))
	if s.Again != 0 {
		text += fmt.Sprintf("; the same data is current as v%d", s.Again)
	}
	return text
}

// someOf names nodes, but not too many.
func someOf(nodes []Node) string {
	var names []string
	for i, n := range nodes {
		if i == 3 && len(nodes) > 4 {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d others", len(nodes)-i)
		}
		names = append(names, n.short())
	}
	if len(names) < 3 {
		return strings.Join(names, " and ")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
