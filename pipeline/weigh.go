package pipeline

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// reading is what has to be read of a unit, and which steps have to see it.
type reading struct {
	// need marks the columns of what comes in, active the steps.
	need, active []bool
	// rows marks the rows that are read; nil: all. none says that none is.
	rows []bool
	none bool
	// ends is the step that the rows which are not read don't pass, or the number of steps:
	// they leave with the others.
	ends int
	// late marks the columns that leave which are read for the rows that are left, or taken
	// as they are stored.
	late []bool
	// drops says that a step may leave rows out, lossy in which stage an operator first may.
	drops bool
	lossy *Stage
	// coded marks the columns that may be read as dictionaries: only conditions look at them.
	coded  []bool
	doubts []Doubt // of the judges, by step
}

// weigh works out what has to be read: forward, what each step can do without seeing the
// rows; then backward, which columns the others want.
func (f *fragment) weigh(ctx context.Context, w *work, runs []stepRun) (*reading, error) {
	r := &reading{active: slices.Repeat([]bool{true}, len(f.steps)), ends: len(f.steps), doubts: make([]Doubt, len(f.steps))}
	if err := f.forward(ctx, w, runs, r); err != nil {
		return nil, err
	}
	if r.none {
		r.need = make([]bool, f.schema.NumFields())
		return r, nil
	}
	f.backward(w, r)
	counts := !f.discards && f.out.NumFields() == 0 || f.follows != nil && f.follows.lanes > 0 // somebody counts rows without columns
	r.none = w.split != nil && !slices.Contains(r.need, true) && !f.works(r) && !counts
	return r, nil
}

// works reports whether an operator or a judge has to see the rows.
func (f *fragment) works(r *reading) bool {
	for i, s := range f.steps {
		if _, counts := s.(*countStep); !counts && r.active[i] {
			return true
		}
	}
	return false
}

func (f *fragment) forward(ctx context.Context, w *work, runs []stepRun, r *reading) error {
	l := f.layout()
	e := f.evidenceOf(ctx, w)
	sees := false // a step before has to see every row: to judge it, or to fail on it
	for i, s := range f.steps {
		switch s := s.(type) {
		case *operatorStep:
			switch {
			case s.bound.Keep != nil:
				sees = !f.keeps(e, i, s, r, sees) || sees
			case s.bound.Same == nil:
				e = nil // other rows leave than came in
			}
			sees = sees || s.bound.computes()
			if r.none {
				return nil
			}
		case *judgeStep:
			d := Doubt{Any: true, Columns: s.judge.Reads, Sifts: s.judge.Quarantines}
			if e != nil {
				var err error
				if d, err = runs[i].(*judgeRun).know(ctx, e.known(l.steps[i], l.parts && !r.drops)); err != nil {
					return err
				}
			}
			r.doubts[i], r.active[i] = d, d.Any
			sees = sees || d.Any
			if d.Rows != nil {
				r.rows = d.Rows
			}
			if d.Sifts {
				r.drops = true
				e.loses()
			}
		}
	}
	return nil
}

// keeps finds out whether an operator that leaves rows out can be known to take all of
// them; or, unless a step before sees them anyway, none, or none of some parts. It reports
// whether the operator is certain to fail on no row.
func (f *fragment) keeps(e *evidence, i int, s *operatorStep, r *reading, sees bool) (safe bool) {
	none, all, safe := e.proves(s.bound, f.layout().steps[i])
	// How many rows left a stage before would not be known.
	sees = sees || r.lossy != nil && r.lossy != s.stage
	switch {
	case none && !sees:
		r.none, r.ends = true, i
		return true
	case all:
		r.active[i] = false
		return true
	}
	if !sees {
		if rows := e.pagesFor(s.bound, f.layout().steps[i]); rows != nil {
			r.rows, r.ends, r.none = rows, i, !slices.Contains(rows, true)
		}
	}
	r.drops = true
	if r.lossy == nil {
		r.lossy = s.stage
	}
	e.loses()
	return safe
}

func (f *fragment) backward(w *work, r *reading) {
	l := f.layout()
	later := w.again()
	need := make([]bool, len(l.out.origin))
	r.late = make([]bool, len(need))
	for j, origin := range l.out.origin {
		if f.discards {
			continue
		}
		r.late[j] = later && origin >= 0 && (r.drops || r.rows != nil || f.stored(w, j) != nil)
		need[j] = !r.late[j]
	}
	for i, s := range slices.Backward(f.steps) {
		in := l.steps[i]
		switch s := s.(type) {
		case *operatorStep:
			// What is computed may fail, whether somebody wants it or not.
			for c, same := range s.bound.Same {
				need[c] = need[c] || same < 0
			}
			if s.bound.Keep == nil && !slices.Contains(need, true) && s.bound.Same != nil {
				r.active[i], need = false, make([]bool, len(in.origin))
				continue
			}
			if r.active[i] {
				need = s.bound.wants(need, in.schema)
			}
		case *judgeStep:
			d := r.doubts[i]
			for _, c := range d.Columns {
				need[c] = true
			}
			for c, origin := range in.origin {
				need[c] = need[c] || d.Sifts && (origin < 0 || !later)
			}
		}
	}
	if w.split == nil {
		need = slices.Repeat([]bool{true}, len(need)) // they are there
	}
	r.need = need
	r.coded = f.coded(r)
}

// coded marks the columns that are read for conditions alone, which take them as they are
// kept. Operators that make batches have to be given what the schema says.
func (f *fragment) coded(r *reading) []bool {
	l := f.layout()
	coded := make([]bool, f.schema.NumFields())
	mark := func(in columns, column int, may bool) {
		if origin := in.origin[column]; origin >= 0 {
			coded[origin] = may
		}
	}
	for i, s := range f.steps {
		op, ok := s.(*operatorStep)
		switch {
		case !ok || !r.active[i]:
		case op.bound.Keep == nil:
			return make([]bool, len(coded))
		case op.bound.Coded:
			for _, c := range op.bound.Reads {
				mark(l.steps[i], c.Index, true)
			}
		}
	}
	for i, s := range f.steps {
		if j, ok := s.(*judgeStep); ok && r.active[i] {
			for _, c := range j.judge.Coded {
				mark(l.steps[i], c, true)
			}
		}
	}
	// What somebody wants as it is takes precedence.
	for i, s := range f.steps {
		switch s := s.(type) {
		case *judgeStep:
			for _, c := range r.doubts[i].Columns {
				if r.active[i] && !slices.Contains(s.judge.Coded, c) {
					mark(l.steps[i], c, false)
				}
			}
		case *operatorStep:
			if r.active[i] && !s.bound.Coded {
				for _, c := range s.bound.Reads {
					mark(l.steps[i], c.Index, false)
				}
			}
		}
	}
	for j := range l.out.origin {
		if !f.discards && !r.late[j] {
			mark(l.out, j, false)
		}
	}
	return coded
}

// computes reports whether an operator makes values, and so may fail on a row.
func (b *Bound) computes() bool {
	return b.Keep == nil && (b.Same == nil || slices.Contains(b.Same, -1))
}

// wants marks the input columns of an operator of one input.
func (b *Bound) wants(out []bool, in *arrow.Schema) []bool {
	if b.Keep == nil {
		return b.needs(out, []*arrow.Schema{in})[0]
	}
	need := slices.Clone(out)
	for _, c := range b.Reads {
		need[c.Index] = true
	}
	return need
}

// stored gives a column of a split as it is kept, where it can be taken so.
func (f *fragment) stored(w *work, column int) Stored {
	if f.takes == nil || !w.again() || w.split.Stored == nil {
		return nil
	}
	origin := f.layout().out.origin[column]
	if origin < 0 {
		return nil
	}
	s := w.split.Stored(f.schema.Field(origin).Name)
	if s == nil || !f.takes(column, s) {
		return nil
	}
	return s
}
