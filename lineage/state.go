package lineage

import (
	"fmt"
	"strings"
	"time"
)

// AsOf is the graph as it was at a time: what was published later is not in it. A zero time is now.
func (g *Graph) AsOf(t time.Time) *Graph {
	then := *g
	then.at = t
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
		if m := g.made[by]; m == nil || !m.Published.After(g.at) {
			return true
		}
	}
	return false
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
	// Without are those of its inputs without which what is current was computed again since, and
	// came out the same: it holds nothing of them any more that another input would not give.
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
	var next, last *Made
	for j := i + 1; int(j) < len(g.nodes) && g.nodes[j].Partition == own.Partition && g.nodes[j].Dataset == own.Dataset; j++ {
		m := g.made[j]
		if m == nil || !g.there(j) {
			continue
		}
		if next == nil {
			next = m
		}
		last = m
	}
	if next == nil {
		return g.currently(i)
	}
	s := &State{ReplacedBy: next.Version, ReplacedAt: next.Published, How: next.how()}
	if last.Data != "" && last.Data == own.Data {
		s.Again = last.Version
	}
	return s
}

// currently is the state of a version that is current.
func (g *Graph) currently(i uint32) *State {
	var without []Node
	for _, in := range g.up.of(i) {
		if g.made[i].lapsed(g.nodes[in], g.at) {
			without = append(without, g.nodes[in])
		}
	}
	if without == nil {
		return current
	}
	return &State{Current: true, Without: without}
}

// Holding is Reach downwards, but for what was computed again since without it, and came out the
// same.
func (g *Graph) Holding(from []Node, depth int) []Node {
	return g.listed(g.reachBy(from, Down, depth, func(from, to uint32) bool { return !g.made[to].lapsed(g.nodes[from], g.at) }))
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
	case s.Current && len(s.Without) > 0:
		var names []string
		for _, n := range s.Without {
			names = append(names, n.short())
		}
		return "current; computed again since without " + strings.Join(names, " and ") + ", and came out the same"
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
