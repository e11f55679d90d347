package pipeline

import (
	"fmt"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
)

// layout says where the columns of a fragment come from.
type layout struct {
	// steps has, for each step, what enters it.
	steps []columns
	out   columns
	// parts says that rows which the only gates of the fragment need not see need not be
	// read for any other reason.
	parts bool
}

// columns are a schema, and for each of its columns the one that came into the fragment
// and was handed on as it came; -1 for what was computed.
type columns struct {
	schema *arrow.Schema
	origin []int
}

func (f *fragment) layOut() *layout {
	l := &layout{}
	now := columns{schema: f.schema}
	for i := range f.schema.NumFields() {
		now.origin = append(now.origin, i)
	}
	judges, computes := 0, false
	for _, s := range f.steps {
		l.steps = append(l.steps, now)
		switch s := s.(type) {
		case *judgeStep:
			judges++
		case *operatorStep:
			computes = computes || s.bound.computes()
			now = now.through(s.bound)
		}
	}
	l.out = now
	l.parts = judges == 1 && !computes
	if !f.discards {
		for _, o := range now.origin {
			l.parts = l.parts && o >= 0
		}
	}
	return l
}

// through gives the columns after an operator.
func (c columns) through(b *Bound) columns {
	if b.Keep != nil {
		return c
	}
	next := columns{schema: b.Schema, origin: make([]int, b.Schema.NumFields())}
	for i := range next.origin {
		next.origin[i] = -1
		if b.Same != nil && b.Same[i] >= 0 {
			next.origin[i] = c.origin[b.Same[i]]
		}
	}
	return next
}

// route is the steps of a fragment, bound to some of the columns that come in.
type route struct {
	columns []string // that are read
	coded   []string // those of them that may be dictionaries
	steps   []step
}

// routes are made as they are needed: few, for what is in doubt is alike in most units.
type routes struct {
	mu    sync.Mutex
	known map[string]*route
}

// route binds the steps that are run to the columns that are read.
func (f *fragment) route(r *reading) (*route, error) {
	f.routes.mu.Lock()
	defer f.routes.mu.Unlock()
	key := fmt.Sprint(r.need, r.active, r.coded)
	if known := f.routes.known[key]; known != nil {
		return known, nil
	}
	made := &route{columns: []string{}, steps: append([]step{}, f.steps...)}
	for i, need := range r.need {
		if need {
			made.columns = append(made.columns, f.schema.Field(i).Name)
			if r.coded[i] {
				made.coded = append(made.coded, f.schema.Field(i).Name)
			}
		}
	}
	schema := project(f.schema, made.columns)
	for i, s := range f.steps {
		s, ok := s.(*operatorStep)
		if !ok || !r.active[i] {
			continue
		}
		narrowed := *s
		if n, is := s.op.(Narrower); is {
			narrowed.op = n.Narrow(schema)
		}
		var err error
		if narrowed.bound, err = bindOperator(narrowed.op, []*arrow.Schema{schema}); err != nil {
			return nil, inStage(Errorf(Internal, "%s does not bind to %s, which it asked for: %w",
				s.op, strings.Join(ColumnNames(schema), ", "), err), s.stage.Name, s.at)
		}
		made.steps[i], schema = &narrowed, narrowed.bound.Schema
	}
	if f.routes.known == nil {
		f.routes.known = map[string]*route{}
	}
	f.routes.known[key] = made
	return made, nil
}
