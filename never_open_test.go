package penstock_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// openRule is a rule with the faults of the data that it can't pass: e, a row that is an
// error; n, a null; N, NaN; 0, no rows; l, a value that the parent has or lacks.
type openRule struct {
	rule   gates.Rule
	breaks string
}

// bad is an expression that is an error of a row where x is 0.
const bad = "10 / x"

// openRules are rules of every kind; all of them pass the good rows.
func openRules() []openRule {
	rows := func(text string) gates.Rule { return gates.Rule{Check: gates.Rows(text)} }
	expect := func(text string) gates.Rule { return gates.Rule{Check: gates.Expect(text)} }
	with := func(r gates.Rule, change func(*gates.Rule)) gates.Rule {
		change(&r)
		return r
	}
	share, count, none := gates.Share(1), gates.Count(100), gates.Count(0)
	where := func(r *gates.Rule) { r.Where = bad + " < 20" }
	by := func(r *gates.Rule) { r.By = []string{"g"} }
	all := []openRule{
		{rows(bad + " < 20"), "e"},
		{rows("id > 0 && " + bad + " < 20"), "e"},
		{with(rows("id > 0"), where), "e"},
		{with(rows(bad+" < 20"), by), "e0"},
		{with(rows(bad+" < 20"), func(r *gates.Rule) { r.AtMost = share }), "e"},
		{with(rows(bad+" < 20"), func(r *gates.Rule) { r.AtMost, r.WarnAt = count, none }), "e"},
		{with(rows(bad+" < 20"), func(r *gates.Rule) { r.Else = gates.Quarantine }), "e"},
		{with(rows("id > 0"), func(r *gates.Rule) { where(r); r.Else = gates.Quarantine }), "e"},
		{with(rows(bad+" < 20"), func(r *gates.Rule) { r.OnEmpty = gates.EmptyFails }), "e0"},
		{with(rows(`s != "zz"`), func(r *gates.Rule) { r.Nulls = gates.NullsFail }), "n"},
		{with(rows(`s != "zz"`), func(r *gates.Rule) { r.Nulls, r.Else, r.AtMost = gates.NullsFail, gates.Quarantine, none }), "n"},
		{with(gates.Rule{Check: gates.Accepted("s", "a", "b", "c")}, func(r *gates.Rule) { r.Nulls = gates.NullsFail }), "nl"},
		{gates.Rule{Check: gates.NotNull("s", "f")}, "n"},
		{gates.Rule{Check: gates.Between("f", 0, 1000)}, "N"},
		{rows("f >= 0.0"), "N"},
		{with(gates.Rule{Check: gates.Unique("id")}, where), "e"},
		{with(gates.Rule{Check: gates.Unique("id")}, func(r *gates.Rule) { where(r); by(r) }), "e"},
		{gates.Rule{Check: gates.References("s", "codes", "code")}, "l"},
		{with(gates.Rule{Check: gates.References("s", "codes", "code")}, where), "el"},
		{with(gates.Rule{Check: gates.AbsentFrom("s", "banned", "code")}, func(r *gates.Rule) {}), "l"},
		{gates.Rule{Check: gates.ForeignKey([]string{"s"}, "codes", []string{"code"}, `code != "x"`)}, "l"},
		{gates.Rule{Check: gates.Schema(gates.SchemaColumn{Name: "x", Type: "int64"})}, ""},
		{gates.Rule{Check: gates.AnyOf(gates.Rows(bad+" > 20"), gates.Rows(bad+" < 20"))}, "e"},
		{gates.Rule{Check: gates.AllOf(gates.Rows("id > 0"), gates.Expect("sum("+bad+") > 0"))}, "e0"},
		{gates.Rule{Check: gates.NoneOf(gates.Rows(bad + " > 20"))}, "e0"},
		{gates.Rule{Check: gates.NoneOf(gates.Expect("!(mean(f) < 1000.0)"))}, "N0"},
		{gates.Rule{Check: gates.Warning("rows() > 0", "sum("+bad+") > 0")}, "e0"},
		{expect("sum(" + bad + ") >= history(1).min(sum(" + bad + "))"), "e"},
		{expect("mean(f) < 1000.0"), "N0"},
		{expect("!(mean(f) > 1000.0)"), "N0"},
		{expect("!(sum(f) > 100000.0)"), "N0"},
		{expect("!(stddev(f) > 1000.0)"), "N0"},
		{expect("outliers(f, 3) <= 100"), "N0"},
		{expect(`rows() <= rows("codes") * 1000 && count_if(` + bad + " < 20) > 0"), "e0"},
		{with(expect("rows() > 0"), where), "e0"},
		{with(expect("rows() > 0"), func(r *gates.Rule) { where(r); by(r) }), "e0"},
		{with(expect("mean(f) < 1000.0"), by), "N0"},
		{with(expect("sum("+bad+") > 0"), func(r *gates.Rule) { r.OnEmpty = gates.EmptyFails }), "e0"},
	}
	for text, empty := range map[string]bool{
		"count(%s) >= 0": false, "nulls(%s) == 0": false, "null_share(%s) < 0.5": true, "min(%s) >= 0": true, "max(%s) < 20": true, "sum(%s) > 0": true,
		"mean(%s) > 0.0": true, "variance(%s) >= 0.0": true, "distinct(%s) > 0": true, "distinct_share(%s) > 0.0": true, "duplicates(%s) >= 0": false,
		"quantile(%s, 0.9) < 20.0": true, "median(%s) < 20.0": true, "iqr(%s) < 20.0": true, "outliers(%s, 9) == 0": true, "iqr_outliers(%s, 99) == 0": true,
		"approx_distinct(%s) < 20": false, "size(values(%s)) < 20": false, "size(top(%s, 1)) < 2": false, "entropy(%s) < 9.0": true, "rows_hash(%s) != ''": false,
		"share(%s < 20) == 1.0": true, "falls(%s) >= 0": false, "overlaps(%[1]s, %[1]s + 1) >= 0": false, "correlation(%[1]s, %[1]s) > 0.5": true,
		"histogram(%s, [0.0, 50.0])[0] == 1.0": true, "cramers_v(%[1]s, g) >= 0.0": true, "psi(%s, {'1': 0.5, '2': 0.5}) < 99.0": true, "t_test(%s, 3.0) >= 0.0": true,
	} {
		r := openRule{expect(strings.ReplaceAll(strings.ReplaceAll(text, "%s", bad), "%[1]s", bad)), "e"}
		if empty {
			r.breaks += "0"
		}
		all = append(all, r)
	}
	for i := range all {
		all[i].rule.Name = fmt.Sprint("r", i)
	}
	return all
}

// unsteady is a source that fails where it is told to.
type unsteady struct {
	schema *arrow.Schema
	splits []arrow.RecordBatch
	// fault is called before each split is read, and after its batch.
	fault func(ctx context.Context, split int, after bool) error
	shape func(arrow.RecordBatch) arrow.RecordBatch // of the batches; may be nil
	reads *atomic.Int64
	knows bool // how many rows there are
}

func (s unsteady) String() string { return "unsteady" }

func (s unsteady) Resolve(context.Context, *pipeline.Env) (*pipeline.Input, error) {
	in := &pipeline.Input{Schema: s.schema}
	for i, b := range s.splits {
		split := pipeline.Split{Name: fmt.Sprint("split ", i), Rows: -1, Bytes: -1, Open: func(_ context.Context, _ *pipeline.Env, columns []string) (pipeline.Reader, error) {
			return &unsteadyReader{s, i, columns, b, 0}, nil
		}}
		if s.knows {
			split.Rows, split.Facts = b.NumRows(), func(string) pipeline.Facts { return pipeline.Facts{} }
		}
		in.Splits = append(in.Splits, split)
	}
	return in, nil
}

type unsteadyReader struct {
	unsteady
	split   int
	columns []string
	b       arrow.RecordBatch
	step    int
}

func (r *unsteadyReader) Close() error { return nil }

func (r *unsteadyReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.fault != nil {
		if err := r.fault(ctx, r.split, r.step > 0); err != nil {
			return nil, err
		}
	}
	if r.step++; r.step > 1 {
		return nil, io.EOF
	}
	r.reads.Add(1)
	fields, cols := []arrow.Field{}, []arrow.Array{}
	for i, f := range r.schema.Fields() {
		if r.columns == nil || strings.Contains(" "+strings.Join(r.columns, " ")+" ", " "+f.Name+" ") {
			fields, cols = append(fields, f), append(cols, r.b.Column(i))
		}
	}
	out := array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, r.b.NumRows())
	if r.shape != nil {
		return r.shape(out), nil
	}
	return out, nil
}

var unsteadySchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "g", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

var codeSchema = arrow.NewSchema([]arrow.Field{{Name: "code", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)

// unsteadyRows are three splits; the last of the rows has the fault.
func unsteadyRows(fault string) (all []arrow.RecordBatch) {
	for split := range 3 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, unsteadySchema)
		for row := range 8 {
			if fault == "0" {
				break
			}
			last := split == 2 && row == 7
			id := int64(split*8 + row + 1)
			b.Field(0).(*array.Int64Builder).Append(id)
			x, f, s := 2+id%4, float64(id)/4, string(rune('a'+id%3))
			if last && fault == "e" {
				x = 0
			}
			if last && fault == "N" {
				f = math.NaN()
			}
			if last && fault == "l" {
				s = "x"
			}
			b.Field(1).(*array.Int64Builder).Append(x)
			b.Field(2).(*array.Float64Builder).Append(f)
			if last && fault == "n" {
				b.Field(3).AppendNull()
			} else {
				b.Field(3).(*array.StringBuilder).Append(s)
			}
			b.Field(4).(*array.StringBuilder).Append([]string{"u", "v"}[row%2])
		}
		all = append(all, b.NewRecordBatch())
	}
	return all
}

func codeRows(codes ...string) []arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, codeSchema)
	for _, c := range codes {
		b.Field(0).(*array.StringBuilder).Append(c)
	}
	return []arrow.RecordBatch{b.NewRecordBatch()}
}

// unsteadyPipeline judges rows by one rule, and publishes them to a place of their own.
func unsteadyPipeline(name string, in, codes unsteady, j pipeline.Judge, ops ...pipeline.Operator) *pipeline.Pipeline {
	banned := codes
	banned.splits = codeRows("x", "y")
	return &pipeline.Pipeline{
		Name: name, Sources: []pipeline.NamedSource{{Name: "in", Source: in}, {Name: "codes", Source: codes}, {Name: "banned", Source: banned}},
		Stages: []pipeline.Stage{{Name: "s", From: []string{"in"}, Operators: ops, Gates: j, Output: &pipeline.Output{Path: "out/" + name, Format: parquet.Format{}}}},
	}
}

func steady(fault string) (in, codes unsteady) {
	in = unsteady{schema: unsteadySchema, splits: unsteadyRows(fault), reads: new(atomic.Int64)}
	return in, unsteady{schema: codeSchema, splits: codeRows("a", "b", "c"), reads: new(atomic.Int64)}
}

// asRecord makes the output of a pipeline a record, and has another stage block every run.
func asRecord(pl *pipeline.Pipeline) *pipeline.Pipeline {
	pl.Name += "-record"
	out := *pl.Stages[0].Output
	out.Path, out.Always = out.Path+"-record", true
	pl.Stages[0].Output = &out
	pl.Stages = append(pl.Stages, pipeline.Stage{Name: "never", From: []string{"in"}, Gates: gates.Of(gates.Rule{Check: gates.Expect("rows() < 0")})})
	return pl
}

// isOpen fails the test if something is there that a blocking finding, or an error, should
// have stopped; it reports whether something was published.
func isOpen(t *testing.T, dir string, pl *pipeline.Pipeline, rec *pipeline.RunRecord, err error) bool {
	t.Helper()
	_, serr := os.Stat(filepath.Join(dir, "out", pl.Name))
	there := serr == nil
	stopped := err != nil
	for _, f := range rec.Gates {
		stopped = stopped || f.Severity != pipeline.SeverityWarn && f.Verdict != pipeline.Pass && f.Verdict != pipeline.Warn
	}
	switch {
	case there && stopped:
		t.Errorf("%s was published: %s, %v, %+v", pl.Name, rec.Status, err, rec.Gates)
	case there != (rec.Status == pipeline.Published):
		t.Errorf("%s: published is %t, the record says %s", pl.Name, there, rec.Status)
	case err != nil && (rec.Error == "" || rec.Status != pipeline.Failed && rec.Status != pipeline.Cancelled):
		t.Errorf("%s: %v is not on the record: %s, %q", pl.Name, err, rec.Status, rec.Error)
	case err == nil && !there && rec.Status != pipeline.Blocked:
		t.Errorf("%s: neither published nor blocked nor an error: %s", pl.Name, rec.Status)
	}
	return there
}

// Faults of the data, by rules of every kind, by severity.
func TestFaultsOfDataNeverPass(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	runs, hits := 0, map[string]int{}
	for _, fault := range []string{"", "e", "n", "N", "0", "l"} {
		for _, r := range openRules() {
			for i, severity := range []pipeline.Severity{pipeline.Block, pipeline.SeverityWarn} {
				if !strings.Contains(r.breaks, fault) || (fault == "" || fault == "0") && severity != pipeline.Block {
					continue
				}
				rule := r.rule
				rule.Severity = severity
				in, codes := steady(fault)
				pl := unsteadyPipeline(fmt.Sprintf("%s-%s-%d", rule.Name, fault, i), in, codes, gates.Of(rule))
				rec, err := p.Run(t.Context(), pl, "all")
				runs++
				if err != nil {
					t.Fatalf("%v: %v", rule, err)
				}
				if in.reads.Load() == 0 {
					t.Errorf("%v: the fault %q was not seen", rule, fault)
				}
				there := isOpen(t, dir, pl, rec, err)
				if severity == pipeline.Block {
					in, codes := steady(fault)
					night, err := p.Run(t.Context(), asRecord(unsteadyPipeline(pl.Name, in, codes, gates.Of(rule))), "all")
					if err != nil || night.Status != pipeline.Blocked || (len(night.Outputs) > 0) != there {
						t.Errorf("%v: fault %q: as a record: %s, published %v, and else %t; %v", rule, fault, night.Status, night.Outputs, there, err)
					}
				}
				f := rec.Gates[0]
				breaks := fault != "" && strings.Contains(r.breaks, fault)
				switch {
				case breaks && f.Verdict == pipeline.Pass, breaks && severity == pipeline.Block && f.Verdict.Passes():
					t.Errorf("%v: fault %q: %s (%s)", rule, fault, f.Verdict, f.Observed)
				case fault == "" && f.Verdict != pipeline.Pass && f.Verdict != pipeline.InsufficientHistory:
					t.Errorf("%v: good rows: %s (%s, %v)", rule, f.Verdict, f.Observed, f.Detail)
				case f.Verdict != pipeline.Pass && f.Observed == "":
					t.Errorf("%v: fault %q: %s, and not why", rule, fault, f.Verdict)
				}
				if breaks {
					hits[fault]++
				}
			}
		}
	}
	t.Logf("%d runs, of which had to fail %v", runs, hits)
}

// A fault of the run: what the test does to it, and how it asserts that it did.
type runFault struct {
	name string
	// set changes what is run; fired reports whether the fault came to pass.
	set func(*faulty)
}

// faulty is a run that will fail.
type faulty struct {
	t         *testing.T
	in, codes *unsteady
	judge     *pipeline.Judge
	ops       []pipeline.Operator
	ctx       *context.Context
	fired     *atomic.Int64
}

var errFault = errors.New("a fault of the test")

// at makes a fault of the second split, before it is read or after.
func (f *faulty) at(s *unsteady, split int, after bool, do func(ctx context.Context) error) {
	s.fault = func(ctx context.Context, n int, done bool) error {
		if n != split || done != after {
			return nil
		}
		f.fired.Add(1)
		return do(ctx)
	}
}

func (f *faulty) shaped(shape func(arrow.RecordBatch) arrow.RecordBatch) {
	f.in.shape = func(b arrow.RecordBatch) arrow.RecordBatch {
		f.fired.Add(1)
		return shape(b)
	}
}

func runFaults() (all []runFault) {
	add := func(name string, set func(*faulty)) { all = append(all, runFault{name, set}) }
	fails := func(context.Context) error { return errFault }
	panics := func(context.Context) error { panic("a fault of the test") }
	for _, after := range []bool{false, true} {
		add(fmt.Sprint("input fails, after rows: ", after), func(f *faulty) { f.at(f.in, 1, after, fails) })
		add(fmt.Sprint("input panics, after rows: ", after), func(f *faulty) { f.at(f.in, 2, after, panics) })
		add(fmt.Sprint("cancelled, after rows: ", after), func(f *faulty) {
			ctx, cancel := context.WithCancel(*f.ctx)
			*f.ctx = ctx
			f.at(f.in, 2, after, func(context.Context) error { cancel(); return nil })
		})
	}
	add("deadline", func(f *faulty) {
		ctx, cancel := context.WithTimeout(*f.ctx, 20*time.Millisecond)
		f.t.Cleanup(cancel)
		*f.ctx = ctx
		f.at(f.in, 1, false, func(ctx context.Context) error { <-ctx.Done(); return nil })
	})
	add("a column goes", func(f *faulty) {
		f.shaped(func(b arrow.RecordBatch) arrow.RecordBatch {
			return array.NewRecordBatch(arrow.NewSchema(b.Schema().Fields()[1:], nil), b.Columns()[1:], b.NumRows())
		})
	})
	add("a column changes its type", func(f *faulty) {
		f.shaped(func(b arrow.RecordBatch) arrow.RecordBatch {
			text := array.NewStringBuilder(memory.DefaultAllocator)
			for range b.NumRows() {
				text.Append("1")
			}
			fields, cols := append([]arrow.Field{}, b.Schema().Fields()...), append([]arrow.Array{}, b.Columns()...)
			fields[0], cols[0] = arrow.Field{Name: fields[0].Name, Type: arrow.BinaryTypes.String}, text.NewArray()
			return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows())
		})
	})
	add("an operator fails", func(f *faulty) { f.ops = append(f.ops, rude{f.fired, fails}) })
	add("an operator panics", func(f *faulty) { f.ops = append(f.ops, rude{f.fired, panics}) })
	for _, place := range []string{"bind", "open", "unit", "know", "observe", "merge", "judge", "nothing"} {
		add("a judge panics: "+place, func(f *faulty) {
			f.in.knows = place == "know"
			*f.judge = &rudeJudge{Judge: *f.judge, place: place, fired: f.fired}
		})
	}
	for _, place := range []string{"bind", "open", "observe", "merge", "judge"} {
		add("a judge fails: "+place, func(f *faulty) { *f.judge = &rudeJudge{Judge: *f.judge, place: place, fired: f.fired, err: errFault} })
	}
	return all
}

// lookupFaults are for rules that look something up.
func lookupFaults() []runFault {
	return []runFault{
		{"a lookup fails", func(f *faulty) { f.at(f.codes, 0, false, func(context.Context) error { return errFault }) }},
		{"a lookup fails at its end", func(f *faulty) { f.at(f.codes, 0, true, func(context.Context) error { return errFault }) }},
		{"a lookup panics", func(f *faulty) { f.at(f.codes, 0, false, func(context.Context) error { panic("a fault of the test") }) }},
	}
}

// Faults of the run, by rules of every kind: nothing is published, and the record says why.
func TestFaultsOfRunsNeverPublish(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	rules := openRules()
	runs := 0
	try := func(rule gates.Rule, fault runFault) {
		in, codes := steady("")
		j, ctx := gates.Of(rule), t.Context()
		f := &faulty{t: t, in: &in, codes: &codes, judge: &j, ctx: &ctx, fired: new(atomic.Int64)}
		fault.set(f)
		runs++
		pl := unsteadyPipeline(fmt.Sprint("f", runs), in, codes, j, f.ops...)
		if runs%2 == 0 {
			pl = asRecord(pl)
		}
		rec, err := p.Run(ctx, pl, "all")
		if f.fired.Load() == 0 && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s with %v: it did not fire: %v", fault.name, rule, err)
		}
		if isOpen(t, dir, pl, rec, err) {
			t.Errorf("%s with %v: published", fault.name, rule)
		}
		if err == nil {
			t.Errorf("%s with %v: no error, %s", fault.name, rule, rec.Status)
		}
	}
	for i, fault := range runFaults() {
		for j := i % 13; j < len(rules); j += 13 { // each fault meets some of the rules
			rule := rules[j].rule
			if rule.Severity = pipeline.Block; (i+j/13)%2 == 0 {
				rule.Severity = pipeline.SeverityWarn
			}
			try(rule, fault)
		}
	}
	for _, fault := range lookupFaults() {
		for _, severity := range []pipeline.Severity{pipeline.Block, pipeline.SeverityWarn} {
			for _, r := range rules {
				if kind := r.rule.Check.String(); strings.Contains(kind, "codes") {
					r.rule.Severity = severity
					try(r.rule, fault)
				}
			}
		}
	}
	t.Logf("%d runs", runs)
}
