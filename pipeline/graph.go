package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// Check finds the mistakes of a pipeline that need no schema to be seen.
func (p *Pipeline) Check() (errs Errors) {
	add := func(at Pos, stage, format string, args ...any) {
		errs = append(errs, &Error{Kind: Invalid, At: at, Stage: stage, Msg: fmt.Sprintf(format, args...)})
	}
	if !isName(p.Name) {
		add(Pos{File: p.File}, "", "%q is no name for a pipeline; use letters, digits, \"_\" and \"-\"", p.Name)
	}
	if len(p.Stages) == 0 {
		add(Pos{File: p.File}, "", "pipeline %q has no stages", p.Name)
	}
	seen := map[string]bool{}
	for _, s := range p.Sources {
		if !isName(s.Name) || seen[s.Name] {
			add(s.At, "", "source %q: a name of letters, digits, \"_\" and \"-\" is needed, each once", s.Name)
		}
		seen[s.Name] = true
	}
	outputs := map[string]string{}
	for _, s := range p.Stages {
		if !isName(s.Name) || seen[s.Name] {
			add(s.At, s.Name, "a name of letters, digits, \"_\" and \"-\" is needed, each once")
		}
		seen[s.Name] = true
		if len(s.From) == 0 {
			add(s.At, s.Name, "no input: say from which source or stage it reads")
		}
		for _, name := range s.Inputs() {
			if !p.has(name) {
				others := slices.DeleteFunc(p.names(), func(n string) bool { return n == s.Name })
				errs = append(errs, s.asks(name, Unknown("source or stage", name, others)))
			}
		}
		switch {
		case s.Lineage != UsualDepth && s.Lineage != RowDepth:
			add(s.At, s.Name, "%s", Unknown("depth of lineage", string(s.Lineage), []string{string(RowDepth)}))
		case s.Lineage == RowDepth && s.Output == nil:
			add(s.At, s.Name, "`lineage: rows` is kept beside an output, and the stage has none; give it an output, or ask for it where one is")
		}
		if s.Output == nil {
			continue
		}
		if err := CheckOutputPath(s.Output.Path); err != nil {
			errs = append(errs, inStage(err, s.Name, s.At))
		}
		if other := outputs[s.Output.Path]; other != "" {
			add(s.At, s.Name, "publishes to %s, and so does stage %q", s.Output.Path, other)
		}
		outputs[s.Output.Path] = s.Name
	}
	errs = append(errs, p.checkNight()...)
	if len(errs) == 0 {
		order, err := p.order()
		if err != nil {
			return append(errs, err)
		}
		errs = append(errs, checkAlways(order)...)
	}
	return errs
}

// checkAlways finds outputs that are published always and made of one that is not: a blocked run
// would publish them, and hold what they name as their input.
func checkAlways(order []*Stage) (errs Errors) {
	held := map[string]string{} // by stage: one that it is made of and that a blocked run holds
	for _, s := range order {
		of := ""
		for _, name := range s.Inputs() {
			if of == "" {
				of = held[name]
			}
		}
		switch {
		case s.Output != nil && !s.Output.Always:
			held[s.Name] = s.Name
		case s.Output == nil:
			held[s.Name] = of
		case of != "":
			errs = append(errs, &Error{
				Kind: Invalid, At: s.At, Stage: s.Name, Msg: fmt.Sprintf("is published always, and is made of stage %q, which a blocked run holds", of),
				Evidence: []string{fmt.Sprintf("add `publish: always` to the output of %q, or read what it is made of", of)},
			})
		}
	}
	return errs
}

// asks is an error of what the stage reads from, at the gate that names it if no input does.
func (s *Stage) asks(name, problem string) error {
	e := &Error{Kind: Invalid, At: s.At, Stage: s.Name, Msg: problem}
	asker, ok := s.Gates.(interface {
		Asker(input string) (gate string, at Pos)
	})
	if slices.Contains(s.From, name) || !ok {
		return e
	}
	gate, at := asker.Asker(name)
	if e.Gate = gate; at != (Pos{}) {
		e.At = at
	}
	return e
}

func isName(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-') {
			return false
		}
	}
	return s != "" && len(s) <= maxPartitionValue
}

func (p *Pipeline) has(name string) bool { return slices.Contains(p.names(), name) }

func (p *Pipeline) names() []string {
	var names []string
	for _, s := range p.Sources {
		names = append(names, s.Name)
	}
	for _, s := range p.Stages {
		names = append(names, s.Name)
	}
	return names
}

// Order gives the stages so that each comes after those it reads from; among stages that
// could go next, the first written goes first. A circle is an error.
func (p *Pipeline) Order() ([]*Stage, error) { return p.order() }

// order sorts the stages so that each comes after those it reads from, or looks
// things up in. Among stages that could go next, the first written goes first.
func (p *Pipeline) order() ([]*Stage, error) {
	var (
		order []*Stage
		state = map[string]int{} // 1: on the path, 2: done
		visit func(name string, path []string) error
	)
	stages := map[string]*Stage{}
	for i := range p.Stages {
		stages[p.Stages[i].Name] = &p.Stages[i]
	}
	visit = func(name string, path []string) error {
		s := stages[name]
		if s == nil || state[name] == 2 {
			return nil
		}
		path = append(path, name)
		if state[name] == 1 {
			return &Error{
				Kind: Invalid, At: s.At, Stage: name,
				Msg: "stages read from each other in a circle: " + strings.Join(path[slices.Index(path, name):], " → "),
			}
		}
		state[name] = 1
		for _, up := range s.Inputs() {
			if err := visit(up, path); err != nil {
				return err
			}
		}
		state[name] = 2
		order = append(order, s)
		return nil
	}
	for i := range p.Stages {
		if err := visit(p.Stages[i].Name, nil); err != nil {
			return nil, err
		}
	}
	return order, nil
}

func (s *Stage) operatorAt(i int) Pos {
	if i < len(s.OperatorsAt) {
		return s.OperatorsAt[i]
	}
	return s.At
}

// Unknown says that a name is not known, and which is meant or may be chosen.
func Unknown(what, name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("unknown %s %q; did you mean %q?", what, name, near)
	}
	if len(known) == 0 {
		return fmt.Sprintf("unknown %s %q; there are none", what, name)
	}
	return fmt.Sprintf("unknown %s %q; known are %s", what, name, Several(known))
}

// maxNamed is how many names a message lists.
const maxNamed = 20

// Several lists names, some of them if there are many.
func Several(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}

// inSource names the source an error belongs to.
func inSource(err error, s NamedSource) error {
	if isCanceled(err) {
		return err
	}
	e, ok := err.(*Error) //nolint:errorlint // only the outermost error is placed
	if !ok {
		return &Error{Kind: KindOf(err), At: s.At, Where: fmt.Sprintf("source %q", s.Name), Err: err}
	}
	named := *e
	if named.At == (Pos{}) {
		named.At = s.At
	}
	named.Where = fmt.Sprintf("source %q", s.Name)
	if e.Where != "" {
		named.Where += ": " + e.Where
	}
	return &named
}

// Inputs names what the stage reads, its rows and what its gates look up.
func (s *Stage) Inputs() []string {
	names := slices.Clone(s.From)
	if s.Gates != nil {
		for _, name := range s.Gates.Inputs() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Code is the canonical text of what the stage does: two stages with the same code
// give the same rows from the same inputs.
func (s *Stage) Code() string {
	var b strings.Builder
	fmt.Fprintf(&b, "from %s\n", strings.Join(s.From, ", "))
	for _, op := range s.Operators {
		fmt.Fprintln(&b, op)
	}
	if s.Output != nil {
		fmt.Fprintln(&b, "as", s.Output.Format)
	}
	if s.Lineage != UsualDepth {
		fmt.Fprintln(&b, "lineage", s.Lineage)
	}
	return b.String()
}
