package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// compile joins the stage, and those that stream into it, to one chain.
// Where tr is not nil it follows the rows.
func (r *run) compile(ctx context.Context, s *StagePlan, tr *tracer) (*chain, error) {
	sr := &stageRun{plan: s, started: r.env.Now(), around: r.plan.around(s.Stage), again: s.Output != nil}
	c, ins, err := r.gather(ctx, s, sr, tr)
	if err != nil {
		return nil, err
	}
	var schemas []*arrow.Schema
	for _, in := range ins {
		schemas = append(schemas, in.schema)
	}
	ops, ok := s.narrow(schemas)
	if !ok {
		return nil, closeAll(ins, Errorf(Internal, "the operators of stage %q do not bind to the columns they asked for", s.Name))
	}
	for i, op := range ops {
		bound, err := bindOperator(op, schemas)
		if err == nil {
			sr.account.add(s.Operators[i], bound)
			err = r.extend(ctx, c, ins, &operatorStep{stage: s.Stage, op: op, at: s.operatorAt(i), bound: bound}, sr, tr)
		}
		if err != nil {
			return nil, closeAll(ins, inStage(err, s.Name, s.operatorAt(i)))
		}
		ins, schemas = []*chain{c}, []*arrow.Schema{bound.Schema}
	}
	c.f, c.schema = ins[0].f, schemas[0]
	sr.schema = c.schema
	if err := r.addJudge(ctx, c, sr); err != nil {
		return nil, closeAll([]*chain{c}, err)
	}
	c.f.steps = append(c.f.steps, &countStep{total: &sr.rowsOut})
	c.stages = append(c.stages, sr)
	return c, nil
}

// gather opens the inputs of a stage. The chain it returns knows the stages that
// stream into it, but has no fragment yet.
func (r *run) gather(ctx context.Context, s *StagePlan, sr *stageRun, tr *tracer) (*chain, []*chain, error) {
	c := &chain{}
	var ins []*chain
	for i, name := range s.From {
		in, err := r.input(ctx, name, s.Needs[i], tr)
		if err != nil {
			return nil, nil, closeAll(ins, err)
		}
		flow := r.inflow(name, in)
		sr.account.inputs = append(sr.account.inputs, flow)
		in.f.steps = append(in.f.steps, &countStep{&sr.rowsIn, func(seq int, rows int64) {
			flow.take(seq, rows)
			r.progress(s.Name, sr.rowsIn)
		}})
		if r.plan.Inputs[name] != nil {
			in.f.steps = append(in.f.steps, &countStep{total: &r.out.RowsIn})
		}
		c.stages = append(c.stages, in.stages...)
		ins = append(ins, in)
	}
	return c, ins, nil
}

// input opens one input: a source, a finished stage, or one that streams.
func (r *run) input(ctx context.Context, name string, columns []string, tr *tracer) (*chain, error) {
	if in := r.plan.Inputs[name]; in != nil {
		return tr.follow(r.chainOf(in, columns), name), nil
	}
	if in := r.staged[name]; in != nil {
		return tr.follow(r.chainOf(in, columns), name), nil
	}
	c, err := r.compile(ctx, r.plan.byName[name], tr)
	if err != nil {
		return nil, err
	}
	c.narrow(r.plan.byName[name], columns)
	return c, nil
}

// narrow leaves out the columns that a stage which streams gives beside those it is asked
// for: its own operators and gates need them.
func (c *chain) narrow(s *StagePlan, columns []string) {
	schema := project(c.schema, columns)
	if schema.NumFields() == c.schema.NumFields() {
		return
	}
	op := only(columns)
	bound, _ := op.Bind(c.schema) // it never fails
	c.f.steps = append(c.f.steps, &operatorStep{stage: s.Stage, op: op, at: s.At, bound: bound})
	c.f.out, c.schema = schema, schema
}

// only hands on the columns of these names, those there are.
type only []string

func (o only) String() string { return "only " + strings.Join(o, ", ") }

func (o only) Bind(in ...*arrow.Schema) (*Bound, error) {
	b := &Bound{Schema: project(in[0], o), From: [][]Column{}, Same: []int{}}
	for _, f := range b.Schema.Fields() {
		i := in[0].FieldIndices(f.Name)[0]
		b.From, b.Same = append(b.From, []Column{{Index: i}}), append(b.Same, i)
	}
	b.Each = func(Unit) (BatchFunc, error) {
		return func(_ context.Context, batch arrow.RecordBatch) (arrow.RecordBatch, error) {
			return pick(batch, b.Schema, b.Same), nil
		}, nil
	}
	return b, nil
}

func (r *run) chainOf(in *Input, columns []string) *chain {
	return &chain{f: splitUnits(r.env, in, columns), schema: project(in.Schema, columns)}
}

// inflow counts what comes of an input that was opened.
func (r *run) inflow(name string, c *chain) *inflow {
	f := &inflow{name: name}
	if r.plan.Inputs[name] != nil || r.staged[name] != nil {
		f.input, f.files = c.f.input, make([]int64, len(c.f.input.Files))
	} else {
		f.sent = &c.stages[len(c.stages)-1].rowsOut
	}
	return f
}

// extend adds an operator: a stateless one to the chain's fragment, a blocking one
// as the beginning of the next. What leaves it is counted.
func (r *run) extend(ctx context.Context, c *chain, ins []*chain, s *operatorStep, sr *stageRun, tr *tracer) (err error) {
	a := &sr.account
	flow := a.operators[len(a.operators)-1]
	if s.bound.Stream == nil && s.bound.Scan == nil {
		ins[0].f.steps = append(ins[0].f.steps, s, flow.count())
		ins[0].f.out = s.bound.Schema
		c.f = ins[0].f
		return nil
	}
	defer recovered(&err)
	if s.bound.Scan != nil {
		out, err := r.scan(ctx, s, ins, sr, flow)
		if err != nil {
			return err
		}
		c.f = r.streamed(s, out)
		c.f.steps = append(c.f.steps, flow.count())
		return nil
	}
	readers := make([]Reader, len(ins))
	for i, in := range ins {
		readers[i] = flow.hand(in.f.reader(), a.before(i))
	}
	if tr != nil {
		if c.f, err = tr.stream(ctx, sr, s, ins, readers); err != nil {
			return err
		}
	} else {
		out, err := s.bound.Stream(ctx, r.env, readers...)
		if err != nil {
			return err
		}
		c.f = r.streamed(s, sr.named(s, out))
	}
	c.f.steps = append(c.f.steps, flow.count())
	return nil
}

// streamed gives what a blocking operator gave as a fragment.
func (r *run) streamed(s *operatorStep, out Reader) *fragment {
	return streamUnits(r.env, out, s.bound.Schema, "stage "+s.stage.Name)
}

// named gives a reader of what a blocking operator gave, which asks a Finder or a Reporter at its end.
func (sr *stageRun) named(s *operatorStep, out Reader) Reader {
	n := &namedReader{Reader: out, step: s, stage: sr}
	n.reporter, _ = out.(Reporter)
	if f, is := out.(Finder); is {
		n.finder, n.finding = f, &finding{op: shortly(s.op.String())}
		sr.finders = append(sr.finders, n.finding)
	}
	return n
}

// namedReader names the stage in the errors of a blocking operator.
type namedReader struct {
	Reader
	step    *operatorStep
	finder  Finder // nil where the reader is none
	finding *finding

	stage    *stageRun
	reporter Reporter // as finder
}

func (r *namedReader) Next(ctx context.Context) (b arrow.RecordBatch, err error) {
	defer recovered(&err)
	b, err = r.Reader.Next(ctx)
	if isEOF(err) && r.finder != nil && !r.finding.ended {
		r.finding.all, r.finding.ended = r.finder.Findings(), true
	}
	if isEOF(err) && r.reporter != nil {
		if report := r.reporter.Report(); report != nil {
			r.stage.reports = append(r.stage.reports, report)
		}
		r.reporter = nil
	}
	if err != nil && !isEOF(err) {
		err = inStage(err, r.step.stage.Name, r.step.at)
	}
	return b, err
}

// addJudge opens the gates of the stage and puts them at the end of the chain.
func (r *run) addJudge(ctx context.Context, c *chain, sr *stageRun) (err error) {
	defer recovered(&err)
	s := sr.plan
	if s.Judge == nil {
		return nil
	}
	bound, err := bindJudge(s.Stage, c.schema, sr.around)
	if err != nil {
		return err
	}
	h := Hearing{Env: r.env, Stored: r.stored(s, c), Again: sr.again}
	if r.env.History != nil && s.Output != nil {
		h.Past = r.env.History(s.Stage)
	}
	if r.env.Accepted != nil && s.Output != nil {
		h.Accepted = func() (*Manifest, error) { return r.env.Accepted(s.Stage) }
	}
	for _, in := range bound.Inputs {
		up, err := r.input(ctx, in.Input, slices.Concat([]string{}, in.Columns), nil)
		if err != nil {
			return closeLookups(h.Lookups, err)
		}
		flow := r.inflow(in.Input, up)
		sr.account.looked = append(sr.account.looked, flow)
		up.f.steps = append(up.f.steps, &countStep{new(int64), flow.take})
		l := Lookup{Reader: widened{up.f.reader(), r.plan.schemaOf(in.Input)}}
		if up.f.input != nil {
			l.Files = up.f.input.Files
		}
		h.Lookups = append(h.Lookups, l)
	}
	step := &judgeStep{
		stage: s.Stage, schema: c.schema, judge: bound,
		aside: func(b arrow.RecordBatch) error {
			sr.rowsAside += b.NumRows()
			return r.putAside(ctx, sr, b)
		},
	}
	if sr.court, err = bound.Open(ctx, h); err == nil {
		r.courts = append(r.courts, sr.court)
	}
	if err = closeLookups(h.Lookups, err); err != nil {
		return inStage(err, s.Name, s.At)
	}
	step.court = sr.court
	c.f.steps = append(c.f.steps, step)
	return nil
}

func closeLookups(lookups []Lookup, err error) error {
	for _, l := range lookups {
		err = errWith(err, l.Reader.Close())
	}
	return err
}

// stored gives what is stored of just the rows that will come to the gates of a stage, or
// nil. It is of use only where every unit is known before it is read.
func (r *run) stored(s *StagePlan, c *chain) map[string]json.RawMessage {
	if r.env.ForceScan || c.f.input == nil || slices.ContainsFunc(c.f.input.Splits, func(s Split) bool { return s.Facts == nil || s.Rows < 0 }) {
		return nil
	}
	asTheyCame := true
	for _, st := range c.f.steps {
		switch st := st.(type) {
		case *operatorStep:
			if st.bound.Keep == nil && st.bound.Same == nil {
				return nil
			}
			asTheyCame = false
		case *judgeStep:
			if st.judge.Quarantines {
				return nil
			}
		}
	}
	if asTheyCame && c.f.input.States != nil {
		return c.f.input.States
	}
	if r.env.Past == nil || s.Output == nil {
		return nil
	}
	return r.env.Past(s.Stage, r.out.Inputs)
}

// closeAll closes the fragments of a chain that will not run, and returns err.
func closeAll(ins []*chain, err error) error {
	for _, in := range ins {
		if in.f != nil {
			err = errWith(err, in.f.close())
		}
	}
	return err
}
