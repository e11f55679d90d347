package pipeline

import "fmt"

// Unsure is a source, an operator or a judge that can't always promise that the same input
// gives the same bytes.
type Unsure interface {
	// Unsure says why; empty if it can promise it.
	Unsure() string
}

// Unsure gives the reasons for which what a stage publishes may come out otherwise from the
// same inputs: those of the stage, of the stages without output that it is made of, and of
// the sources they read.
func (p *Pipeline) Unsure(stage string) (reasons []string) {
	seen := map[string]bool{}
	var visit func(name string, first bool)
	visit = func(name string, first bool) {
		if seen[name] {
			return
		}
		seen[name] = true
		add := func(what string, v any) {
			if u, ok := v.(Unsure); ok && u.Unsure() != "" {
				reasons = append(reasons, fmt.Sprintf("%s %s: %s", what, name, u.Unsure()))
			}
		}
		for i := range p.Sources {
			if p.Sources[i].Name == name {
				add("source", p.Sources[i].Source)
			}
		}
		for i := range p.Stages {
			s := &p.Stages[i]
			if s.Name != name || s.Output != nil && !first {
				continue
			}
			for _, op := range s.Operators {
				add("stage", op)
			}
			add("stage", s.Gates)
			for _, in := range s.Inputs() {
				visit(in, false)
			}
		}
	}
	visit(stage, true)
	return reasons
}
