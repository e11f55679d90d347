package pipeline

import (
	"bufio"
	"cmp"
	"context"
	"path"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/trace"
)

// TraceName is the name of the file that says where the rows of an output came from.
const TraceName = "rows.trace"

// tracer follows the rows of a stage, through those that stream into it. Its methods do
// nothing for a nil one, of a stage that is not followed.
type tracer struct {
	run *run
	// numbers are of the stage alone, or of all where stages share a spool.
	numbers *numbering
	inputs  map[int32]trace.Input
	groups  map[int32]*gathered
	lanes   int // of the rows that were spooled
}

// numbering gives sources their numbers.
type numbering struct {
	next   int32
	inputs map[string]int32
}

func (n *numbering) take(some int) int32 {
	first := n.next
	n.next += int32(some)
	return first
}

// tracer gives the one that follows a stage, or nil.
func (r *run) tracer(s *StagePlan) *tracer {
	if !s.followed {
		return nil
	}
	numbers := &numbering{inputs: map[string]int32{}}
	if r.plan.sharesPlaces() {
		if r.numbers == nil {
			r.numbers = numbers
		}
		numbers = r.numbers
	}
	return &tracer{run: r, numbers: numbers, inputs: map[int32]trace.Input{}, groups: map[int32]*gathered{}}
}

// sharesPlaces reports whether some rows that are followed are spooled for several stages.
func (p *Plan) sharesPlaces() bool {
	return slices.ContainsFunc(p.Stages, func(s *StagePlan) bool { return s.followed && s.Output == nil && !s.streams() })
}

// follow begins to follow the rows of an input.
func (t *tracer) follow(c *chain, name string) *chain {
	if t == nil {
		return c
	}
	if s := t.run.spools[name]; s != nil {
		for n, in := range s.inputs {
			t.inputs[n] = in
		}
		for n, g := range s.groups {
			t.groups[n] = g
		}
		c.f.follows = &following{lanes: s.lanes}
		return c
	}
	first, known := t.numbers.inputs[name]
	if !known {
		first = t.numbers.take(len(c.f.input.Splits))
		t.numbers.inputs[name] = first
	}
	t.inputs[first] = t.describe(c.f.input, name, first)
	c.f.follows = &following{base: trace.At(first, 0)}
	return c
}

// describe says what the sources are that the splits of an input are.
func (t *tracer) describe(in *Input, name string, first int32) trace.Input {
	d := trace.Input{Name: name, First: first, Files: []string{}, Splits: []trace.Split{}}
	env := t.run.env
	for _, f := range in.Files {
		switch {
		case t.run.staged[name] != nil: // by its name in the version that it will be of
			f.Path = path.Join(env.Partition.Dir(), path.Base(path.Dir(f.Path)), path.Base(f.Path))
		case env.Named != nil:
			f.Path = env.Named(f.Path)
		}
		d.Files = append(d.Files, f.Path)
	}
	firsts := in.Firsts()
	for i, s := range in.Splits {
		d.Splits = append(d.Splits, trace.Split{File: s.File, Row: firsts[i], Group: s.RowGroup})
	}
	return d
}

// stream starts a blocking operator over fragments whose rows are followed.
func (t *tracer) stream(ctx context.Context, sr *stageRun, s *operatorStep, ins []*chain, readers []Reader) (*fragment, error) {
	schemas := make([]*arrow.Schema, len(ins))
	for i, in := range ins {
		in.f.follows.widens = true
		schemas[i] = WithPlaces(in.f.out, in.f.follows.width())
	}
	return t.start(ctx, sr, s, schemas, readers)
}

func (t *tracer) start(ctx context.Context, sr *stageRun, s *operatorStep, in []*arrow.Schema, readers []Reader) (*fragment, error) {
	name := "stage " + s.stage.Name
	if why := s.bound.opaque(); why != "" { // it was looked at when it was planned, for columns of which some are left out now
		return nil, Errorf(Internal, "%s: its rows can't be followed any more: %s", name, why)
	}
	if s.bound.Gather != nil {
		gather, err := s.bound.Gather(in...)
		if err != nil {
			return nil, err
		}
		g := &gathered{source: t.numbers.take(1)}
		t.groups[g.source] = g
		t.run.gathers = append(t.run.gathers, g)
		if err := g.create(t.run.env.Temp); err != nil {
			return nil, err
		}
		out, err := gather(ctx, t.run.env, g.take, readers...)
		if err != nil {
			return nil, err
		}
		if err := g.end(); err != nil {
			return nil, errWith(err, out.Close())
		}
		f := streamUnits(t.run.env, sr.named(s, out), s.bound.Schema, name)
		f.follows = &following{base: trace.At(g.source, 0)}
		return f, nil
	}
	bound, err := s.bound.Carry(in...)
	if err != nil {
		return nil, err
	}
	out, err := bound.Stream(ctx, t.run.env, readers...)
	if err != nil {
		return nil, err
	}
	f := streamUnits(t.run.env, sr.named(s, out), s.bound.Schema, name)
	f.follows = &following{lanes: Places(bound.Schema)}
	return f, nil
}

// wide is the schema of the rows of a chain that are spooled.
func (t *tracer) wide(c *chain) *arrow.Schema {
	if t == nil {
		return c.schema
	}
	t.lanes, c.f.follows.widens = c.f.follows.width(), true
	return WithPlaces(c.schema, t.lanes)
}

// traced writes the rows of a stage, and where they came from.
func (r *run) traced(ctx context.Context, c *chain, sr *stageRun, t *tracer) error {
	if t == nil {
		return r.write(ctx, c, sr)
	}
	return t.record(ctx, sr, c.f.follows.width(), func(w *trace.Writer) error {
		c.f.follows.tells = func(places located) error {
			for _, b := range places.blocks {
				if err := w.AddBlock(b); err != nil {
					return err
				}
			}
			for lane, runs := range places.lanes {
				for _, run := range runs {
					if err := w.Add(lane, run.first, run.n); err != nil {
						return err
					}
				}
			}
			return nil
		}
		return r.write(ctx, c, sr)
	})
}

// traceAdopted says where the rows of files came from that a stage took over: all of them,
// in their order.
func (r *run) traceAdopted(ctx context.Context, c *chain, sr *stageRun, t *tracer) error {
	if t == nil {
		return nil
	}
	return t.record(ctx, sr, 1, func(w *trace.Writer) error {
		for file := range c.f.input.Files {
			for i, s := range c.f.input.Splits {
				if s.File != file {
					continue
				}
				if err := w.Add(0, c.f.follows.base+trace.At(int32(i), 0), s.Rows); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// record writes the file that says where the rows of a stage came from; rows does what adds
// their places.
func (t *tracer) record(ctx context.Context, sr *stageRun, lanes int, rows func(*trace.Writer) error) (err error) {
	file, err := t.run.stager.Trace(ctx, sr.plan.Stage, TraceName)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(file, 256<<10)
	w, err := trace.NewWriter(buffered, lanes)
	if err == nil {
		err = rows(w)
	}
	if err == nil {
		err = t.sources(w)
	}
	if err == nil {
		err = errWith(w.Close(), buffered.Flush())
	}
	if err = errWith(err, file.Close()); err != nil {
		return err
	}
	f := file.File()
	f.Rows = w.Rows()
	sr.lineage = []File{f}
	return nil
}

// sources writes what the places are of.
func (t *tracer) sources(w *trace.Writer) error {
	for _, in := range byNumber(t.inputs) {
		w.Input(in)
	}
	for _, g := range byNumber(t.groups) {
		if err := g.copy(w); err != nil {
			return err
		}
	}
	return nil
}

func byNumber[V any](m map[int32]V) (all []V) {
	var keys []int32
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare[int32])
	for _, k := range keys {
		all = append(all, m[k])
	}
	return all
}
