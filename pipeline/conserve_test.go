package pipeline

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/seed"
)

// again gives each batch two times over.
func again(_ context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
	cols := make([]arrow.Array, in.NumCols())
	for i, c := range in.Columns() {
		both, err := array.Concatenate([]arrow.Array{c, c}, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		defer both.Release()
		cols[i] = both
	}
	return array.NewRecordBatch(in.Schema(), cols, 2*in.NumRows()), nil
}

// declared is an operator that says what it does to the number of rows.
type declared struct {
	Operator
	rows RowsRule
}

func (o declared) Bind(in ...*arrow.Schema) (*Bound, error) {
	b, err := o.Operator.Bind(in...)
	b.Rows = o.rows
	return b, err
}

// upTo is a blocking operator that stops reading after some rows.
type upTo int64

func (o upTo) String() string { return fmt.Sprint("up to ", int64(o)) }

func (o upTo) Bind(in ...*arrow.Schema) (*Bound, error) {
	b := &Bound{Schema: in[0], Rows: RowsFewer}
	b.Stream = func(_ context.Context, _ *Env, in ...Reader) (Reader, error) {
		return &upToReader{in[0], int64(o)}, nil
	}
	return b, nil
}

type upToReader struct {
	Reader
	left int64
}

func (r *upToReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.left <= 0 {
		return nil, io.EOF
	}
	b, err := r.Reader.Next(ctx)
	if err == nil {
		r.left -= b.NumRows()
	}
	return b, err
}

// lying says of its splits that they have more rows than they do, or fewer.
type lying struct {
	numbers
	more   int64
	atMost bool
}

func (s lying) Resolve(ctx context.Context, env *Env) (*Input, error) {
	in, err := s.numbers.Resolve(ctx, env)
	in.Splits[1].Rows += s.more
	in.Splits[1].AtMost = s.atMost
	return in, err
}

// recorded is a source whose file was published with another number of rows.
type recorded struct{ numbers }

func (s recorded) Resolve(ctx context.Context, env *Env) (*Input, error) {
	in, err := s.numbers.Resolve(ctx, env)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(env.Dir, "a.csv")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	in.Files = []File{{Path: "a.csv", Rows: 2999, Modified: info.ModTime()}}
	for i := range in.Splits {
		in.Splits[i].Rows = -1
	}
	return in, err
}

// leaky is a format that loses rows: while it encodes, or when it is read.
type leaky struct {
	lines
	encode bool
	read   int // rows that its source loses, and says nothing of
}

func (f leaky) Create(w io.Writer, s *arrow.Schema) (Encoder, error) {
	enc, err := f.lines.Create(w, s)
	return leakyEncoder{enc, f.encode}, err
}

func (f leaky) Source(s *arrow.Schema, written ...File) Source {
	return leakySource{f.lines.Source(s, written...), f.read, written}
}

type leakyEncoder struct {
	Encoder
	lose bool
}

func (e leakyEncoder) Encode(ctx context.Context, batches []arrow.RecordBatch) (Chunk, error) {
	if e.lose {
		batches = batches[1:]
	}
	return e.Encoder.Encode(ctx, batches)
}

type leakySource struct {
	Source
	lose    int
	written []File
}

func (s leakySource) Resolve(ctx context.Context, env *Env) (*Input, error) {
	in, err := s.Source.Resolve(ctx, env)
	if err != nil || s.lose == 0 {
		return in, err
	}
	in, err = numbers{splits: []int{int(in.Splits[0].Rows) - s.lose}}.Resolve(ctx, env)
	in.Splits[0].Rows, in.Files = -1, s.written
	return in, err
}

// conserved gives what the conservation of each stage is, by the stage's name.
func conserved(t *testing.T, p *Pipeline, workers int) map[string]Finding {
	t.Helper()
	out, _, err := execute(t, p, testEnv(t, workers))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Finding{}
	for _, s := range out.Stages {
		f := s.Findings[len(s.Findings)-1]
		if f.Name != Conservation || f.Kind != Conservation || f.DecidedBy != "counts" || f.RowsTested != s.Record.RowsIn {
			t.Fatalf("%+v", f)
		}
		if f.Verdict == Fail && !out.Blocked {
			t.Errorf("%s failed, and nothing is blocked", s.Stage.Name)
		}
		all[s.Stage.Name] = f
	}
	return all
}

func TestEveryLeakIsFound(t *testing.T) {
	three := []int{1000, 1000, 1000}
	src := func(s Source) []NamedSource { return []NamedSource{{Name: "in", Source: s}} }
	one := func(ops ...Operator) []Stage {
		return []Stage{{Name: "a", From: []string{"in"}, Operators: ops, Output: written}}
	}
	to := func(f Format) []Stage {
		return []Stage{
			{Name: "a", From: []string{"in"}, Output: &Output{Path: "a", Format: f}},
			{Name: "b", From: []string{"a"}, Output: &Output{Path: "b", Format: lines{}}},
		}
	}
	for name, test := range map[string]struct {
		sources []NamedSource
		stages  []Stage
		in      string // the stage that must be blocked; empty: none
		want    string
	}{
		"nothing":             {src(numbers{splits: three}), one(), "", ""},
		"fewer than declared": {src(lying{numbers{splits: three}, 1, false}), one(), "a", "input in: split 1 says it has 1,001 rows, and 1,000 came, as many expected"},
		"more than declared":  {src(lying{numbers{splits: three}, -1, false}), one(), "a", "input in: split 1 says it has 999 rows, and 1,000 came, as many expected"},
		"at most":             {src(lying{numbers{splits: three}, 1, true}), one(), "", ""},
		"more than at most":   {src(lying{numbers{splits: three}, -1, true}), one(), "a", "input in: split 1 says it has 999 rows, and 1,000 came, as many expected"},
		"than was published":  {src(recorded{numbers{splits: three}}), one(), "a", "input in: a.csv was written with 2,999 rows, and 3,000 came, as many expected"},
		"not all is read":     {src(recorded{numbers{splits: []int{200_000, 1000}}}), one(upTo(10)), "", ""},
		"an operator drops":   {src(numbers{splits: three}), one(each{"tidy", evens}), "a", "operator 1 (tidy) took 3,000 rows and gave 1,500, as many expected"},
		"one that may drop":   {src(numbers{splits: three}), one(declared{each{"tidy", evens}, RowsFewer}), "", ""},
		"an operator doubles": {src(numbers{splits: three}), one(above(0), declared{each{"more", again}, RowsFewer}), "a", "operator 2 (more) took 3,000 rows and gave 6,000, at most as many expected"},
		"one of other rows":   {src(numbers{splits: three}), one(declared{each{"more", again}, RowsOther}), "", ""},
		"an encoder drops":    {src(numbers{splits: three}), to(leaky{encode: true}), "a", "a-false-part-0.txt has 2,000 rows when it is read back, 3,000 expected"},
		"a file reread":       {src(numbers{splits: three}), to(leaky{read: 7}), "b", "input a: a-false-part-0.txt was written with 3,000 rows, and 2,993 came, as many expected"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, workers := range []int{1, 3} {
				p := Pipeline{Name: "p", Sources: test.sources, Stages: test.stages}
				for stage, f := range conserved(t, &p, workers) {
					got := f.Observed + ", " + f.Expected + " expected"
					if i := strings.LastIndex(got, "/"); i >= 0 { // paths of the test
						got = strings.Replace(got, got[strings.IndexByte(got, '/'):i+1], "", 1)
					}
					switch {
					case f.Verdict == Fail && (stage != test.in || got != test.want):
						t.Errorf("stage %s: got  %s\nwant %s", stage, got, test.want)
					case f.Verdict != Fail && stage == test.in:
						t.Errorf("stage %s: %s; want %s", stage, got, test.want)
					}
				}
			}
		})
	}
}

// A join may give another number of rows than it took: the finding claims no equation of it.
func TestConservationAcrossAnotherNumberOfRows(t *testing.T) {
	ops := []Operator{declared{each{"more of all", again}, RowsOther}}
	f := conserved(t, &Pipeline{
		Name: "p", Sources: []NamedSource{{Name: "in", Source: numbers{splits: []int{1000, 1000}}}},
		Stages: []Stage{{Name: "a", From: []string{"in"}, Operators: ops, Output: written}},
	}, 1)["a"]
	if f.Verdict != Pass || f.Observed != "2,000 rows in; more made 4,000 of 2,000; 4,000 out, 0 quarantined, 0 filtered" ||
		f.Expected != "each row accounted for, but by more, which may change their number" || f.Rule != f.Expected {
		t.Errorf("%+v", f)
	}
}

// Of random pipelines, whatever is known of their rows and whoever carries them, rows are
// conserved; with one operator among theirs that loses a row, just its stage is blocked.
func TestRandomPipelinesConserveRows(t *testing.T) {
	first := seed.For(t)
	for i := range 30 {
		r := rand.New(rand.NewPCG(first, uint64(i)))
		p, lossy := randomPipeline(r)
		var want map[string]Finding
		for _, scan := range []bool{false, true} {
			for _, workers := range []int{1, 2, 5} {
				env := testEnv(t, workers)
				env.ForceScan = scan
				out, _, err := execute(t, p, env)
				if err != nil {
					t.Fatalf("case %d: %v", i, err)
				}
				got := map[string]Finding{}
				for _, s := range out.Stages {
					f := s.Findings[len(s.Findings)-1]
					got[s.Stage.Name] = f
					if (f.Verdict == Fail) != (s.Stage.Name == lossy) {
						t.Errorf("case %d: stage %s, lossy is %q: %s, %s expected: %q", i, s.Stage.Name, lossy, f.Observed, f.Expected, f.Detail)
					}
					addsUp(t, s.Record)
				}
				if want == nil {
					want = got
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("case %d, scan %t, %d workers: %v\n%s", i, scan, workers, p.Stages, diff)
				}
			}
		}
	}
}

// addsUp checks the record of a stage none of whose operators gives another number of rows.
func addsUp(t *testing.T, rec StageRecord) {
	t.Helper()
	changed, at := int64(0), rec.RowsIn
	for _, o := range rec.Operators {
		if o.RowsIn != at {
			t.Errorf("%+v", rec)
		}
		if o.Rows != RowsFewer {
			changed += o.RowsOut - o.RowsIn
		}
		at = o.RowsOut
	}
	if rec.RowsIn+changed != rec.RowsOut+rec.RowsQuarantined+rec.RowsFiltered {
		t.Errorf("%+v", rec)
	}
}

// randomPipeline has a few stages; lossy is the one, if any, with an operator that loses a
// row without a word.
func randomPipeline(r *rand.Rand) (p *Pipeline, lossy string) {
	src := numbers{opened: new(atomic.Int32)}
	for range 1 + r.IntN(6) {
		src.splits = append(src.splits, r.IntN(3)*r.IntN(2500))
	}
	p = &Pipeline{Name: "p", Sources: []NamedSource{{Name: "in", Source: src}}}
	rows := 0
	for _, n := range src.splits {
		rows += n
	}
	ops := []func() Operator{
		func() Operator { return each{"pass", passOn} },
		func() Operator { return each{"half", evens} },
		func() Operator { return above(r.IntN(rows + 1)) },
		func() Operator { return above(r.IntN(rows + 1)) },
		func() Operator { return barrier{} },
		func() Operator { return scanning{} },
		func() Operator { return upTo(r.IntN(rows + 1)) },
		func() Operator { return declared{each{"more", again}, RowsOther} },
	}
	for i := range 1 + r.IntN(3) {
		s := Stage{Name: string(rune('a' + i)), From: []string{"in"}}
		if i > 0 && r.IntN(3) > 0 {
			s.From = []string{p.Stages[r.IntN(i)].Name}
		}
		for range r.IntN(4) {
			s.Operators = append(s.Operators, ops[r.IntN(len(ops))]())
		}
		if r.IntN(2) == 0 {
			s.Output = &Output{Path: s.Name, Format: lines{}}
		}
		if s.Output != nil && r.IntN(2) == 0 {
			s.Gates = fewer{limit: 1 << 40, aside: 1}
		}
		p.Stages = append(p.Stages, s)
	}
	if s := &p.Stages[r.IntN(len(p.Stages))]; rows > 0 && r.IntN(2) == 0 && s.From[0] == "in" {
		loses := each{"loses", func(_ context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
			return in.NewSlice(0, max(0, in.NumRows()-1)), nil
		}}
		s.Operators, lossy = append([]Operator{loses}, s.Operators...), s.Name
	}
	return p, lossy
}

// How many rows leave a stage is known also where the stage after it would not read them;
// filters of one stage are counted together.
func TestFiltersOfTwoStages(t *testing.T) {
	for _, scan := range []bool{false, true} {
		src := numbers{splits: []int{1000, 1000, 1000}, opened: new(atomic.Int32)}
		p := &Pipeline{Name: "p", Sources: []NamedSource{{Name: "in", Source: src}}, Stages: []Stage{
			{Name: "a", From: []string{"in"}, Operators: []Operator{above(1500), above(1200), above(1600)}},
			{Name: "b", From: []string{"a"}, Operators: []Operator{above(2500)}, Output: written},
		}}
		env := testEnv(t, 2)
		env.ForceScan = scan
		out, _, err := execute(t, p, env)
		if err != nil {
			t.Fatal(err)
		}
		want := []StageRecord{
			{Name: "a", RowsIn: 3000, RowsOut: 1400, RowsFiltered: 1600, Operators: []OperatorRecord{
				{Name: "above 1500; above 1200; above 1600", Rows: RowsFewer, RowsIn: 3000, RowsOut: 1400},
			}},
			{Name: "b", RowsIn: 1400, RowsOut: 500, RowsFiltered: 900, Operators: []OperatorRecord{
				{Name: "above 2500", Rows: RowsFewer, RowsIn: 1400, RowsOut: 500},
			}},
		}
		if diff := cmp.Diff(want, []StageRecord{out.Stages[0].Record, out.Stages[1].Record}); diff != "" {
			t.Errorf("scan %t: %s", scan, diff)
		}
	}
}
