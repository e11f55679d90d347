package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// scanning is an operator that reads each input whole, several splits at a time and the columns
// one by one, and then gives all rows. Where it is set, hook is called for each split.
type scanning struct {
	skip  int // the split of each input that is not read whole, counted from 1
	hook  func(ctx context.Context, in *Input, split int) error
	needs []string // columns that it names; nil: all, and it is not narrowed
	finds []Finding
}

func (scanning) String() string { return "scanning" }

func (o scanning) Bind(in ...*arrow.Schema) (*Bound, error) {
	schema := in[0]
	if o.needs != nil {
		schema = project(schema, o.needs)
	}
	b := &Bound{Schema: schema}
	for _, f := range schema.Fields() {
		var from []Column
		for i := range in {
			from = append(from, Column{i, in[i].FieldIndices(f.Name)[0]})
		}
		b.From = append(b.From, from)
	}
	b.Scan = func(ctx context.Context, env *Env, ins ...*Input) (Reader, error) {
		for i, scanned := range ins {
			if !scanned.Schema.Equal(in[i]) {
				return nil, fmt.Errorf("input %d has %v, bound was %v", i, scanned.Schema, in[i])
			}
			if err := o.first(ctx, env, scanned); err != nil {
				return nil, err
			}
		}
		out := &scanningReader{env: env, op: o, schema: schema, ins: ins}
		if o.finds == nil {
			return out, nil
		}
		return &scanningFinder{out}, nil
	}
	return b, nil
}

// first reads all splits side by side.
func (o scanning) first(ctx context.Context, env *Env, in *Input) error {
	return InOrder(ctx, env, len(in.Splits), func(ctx context.Context, i int) (int64, int64, error) {
		if o.hook != nil {
			if err := o.hook(ctx, in, i); err != nil {
				return 0, 0, err
			}
		}
		if i+1 == o.skip {
			return 0, 0, nil
		}
		one := ColumnNames(in.Schema)
		one = one[:min(1, len(one))]
		r, err := in.Splits[i].Open(ctx, env, one)
		if err != nil {
			return 0, 0, err
		}
		rows := int64(0)
		return 0, 0, Each(ctx, r, func(b arrow.RecordBatch) error {
			if rows += b.NumRows(); int(b.NumCols()) != len(one) {
				return fmt.Errorf("%d columns were read", b.NumCols())
			}
			return nil
		})
	}, func(int64) error { return nil })
}

type scanningReader struct {
	env    *Env
	op     scanning
	schema *arrow.Schema
	ins    []*Input
	split  int
	now    Reader
}

func (r *scanningReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	for len(r.ins) > 0 {
		switch {
		case r.split == len(r.ins[0].Splits):
			r.ins, r.split = r.ins[1:], 0
			continue
		case r.now == nil && r.split+1 == r.op.skip:
			r.split++
			continue
		case r.now == nil:
			var err error
			if r.now, err = r.ins[0].Splits[r.split].Open(ctx, r.env, nil); err != nil {
				return nil, err
			}
		}
		b, err := r.now.Next(ctx)
		if isEOF(err) {
			if err := r.now.Close(); err != nil {
				return nil, err
			}
			r.now, r.split = nil, r.split+1
			continue
		}
		if err != nil {
			return nil, err
		}
		defer b.Release()
		var at []int
		for _, f := range r.schema.Fields() {
			at = append(at, b.Schema().FieldIndices(f.Name)[0])
		}
		return pick(b, r.schema, at), nil
	}
	return Batches().Next(ctx)
}

func (r *scanningReader) Close() error {
	if r.now == nil {
		return nil
	}
	now := r.now
	r.now = nil
	return now.Close()
}

type scanningFinder struct{ *scanningReader }

func (r *scanningFinder) Findings() []Finding { return r.op.finds }

// A scan gives what a blocking operator gives, whatever its inputs are, and the rows of all are
// counted once.
func TestScanIsLikeStream(t *testing.T) {
	out := func(name string) *Output { return &Output{Path: name, Format: lines{}} }
	of := func(op Operator) map[string][]Stage {
		return map[string][]Stage{
			"source":         {{Name: "a", From: []string{"numbers"}, Operators: []Operator{op}, Output: written}},
			"two sources":    {{Name: "a", From: []string{"numbers", "more"}, Operators: []Operator{op}, Output: written}},
			"the same twice": {{Name: "a", From: []string{"numbers", "numbers"}, Operators: []Operator{op}, Output: written}},
			"behind an operator": {
				{Name: "a", From: []string{"numbers"}, Operators: []Operator{each{"half", evens}, op, above(10), op, each{"pass", passOn}, op}, Output: written},
			},
			"behind gates":        {{Name: "a", From: []string{"numbers"}, Gates: fewer{limit: 1 << 40}}, {Name: "b", From: []string{"a"}, Operators: []Operator{op}, Output: written}},
			"behind nothing":      {{Name: "a", From: []string{"numbers"}}, {Name: "b", From: []string{"a", "more"}, Operators: []Operator{op}, Output: written}},
			"a stage with output": {{Name: "a", From: []string{"numbers"}, Output: out("a")}, {Name: "b", From: []string{"a", "numbers"}, Operators: []Operator{op}, Output: out("b")}},
			"one that several read": {
				{Name: "a", From: []string{"numbers"}, Operators: []Operator{each{"half", evens}}},
				{Name: "b", From: []string{"a", "more"}, Operators: []Operator{op}, Output: out("b")},
				{Name: "c", From: []string{"a"}, Operators: []Operator{op, each{"half", evens}}, Output: out("c")},
			},
			"two that stream": {
				{Name: "a", From: []string{"numbers"}, Operators: []Operator{op}},
				{Name: "b", From: []string{"more"}, Operators: []Operator{op}},
				{Name: "c", From: []string{"a", "b"}, Operators: []Operator{op}, Output: written},
			},
			"several read it": {
				{Name: "a", From: []string{"numbers", "more"}, Operators: []Operator{op}},
				{Name: "b", From: []string{"a"}, Operators: []Operator{above(100)}, Output: out("b")},
				{Name: "c", From: []string{"a"}, Gates: fewer{limit: 1 << 40, inputs: []string{"a"}}, Output: out("c")},
			},
			"quarantine": {{Name: "a", From: []string{"numbers"}, Operators: []Operator{op}, Gates: fewer{limit: 1 << 40, aside: 1}, Output: written}},
		}
	}
	streams := of(barrier{})
	for name, stages := range of(scanning{}) {
		t.Run(name, func(t *testing.T) {
			first := []int{500, 1, 0, 999}
			if strings.HasPrefix(name, "behind") || name == "one that several read" {
				first[1] = 125_000 // more than fits into a private file
			}
			sources := []NamedSource{
				{Name: "numbers", Source: numbers{splits: first, opened: new(atomic.Int32)}},
				{Name: "more", Source: numbers{splits: []int{300, 7000}}},
			}
			wantOut, wantFiles, err := execute(t, &Pipeline{Name: "p", Sources: sources, Stages: streams[name]}, testEnv(t, 1))
			if err != nil {
				t.Fatal(err)
			}
			for _, workers := range []int{1, 8} {
				env := testEnv(t, workers)
				env.ForceScan = workers == 8
				out, files, err := execute(t, &Pipeline{Name: "p", Sources: sources, Stages: stages}, env)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(wantFiles, files); diff != "" {
					t.Errorf("%d workers: files differ", workers)
				}
				if out.Blocked || out.RowsIn != wantOut.RowsIn {
					t.Errorf("blocked is %t, %d rows in, %d expected", out.Blocked, out.RowsIn, wantOut.RowsIn)
				}
				for i, s := range out.Stages {
					was := wantOut.Stages[i]
					for j, o := range was.Record.Operators {
						o.Name = strings.ReplaceAll(o.Name, "barrier", "scanning")
						was.Record.Operators[j] = o
					}
					if diff := cmp.Diff(was.Record, s.Record); diff != "" {
						t.Errorf("%d workers: stage %s:\n%s", workers, s.Stage.Name, diff)
					}
					if diff := cmp.Diff(was.Findings, s.Findings); diff != "" {
						t.Errorf("%d workers: stage %s:\n%s", workers, s.Stage.Name, diff)
					}
				}
				left, err := os.ReadDir(env.Temp)
				if err != nil || len(left) > 0 {
					t.Errorf("%v, %v is left", err, left)
				}
			}
		})
	}
}

// What a scan does not read whole blocks its stage, however much of it was looked at.
func TestScanThatDoesNotReadAll(t *testing.T) {
	peek := func(ctx context.Context, in *Input, i int) error {
		r, err := in.Splits[i].Open(ctx, &Env{Alloc: memory.DefaultAllocator}, []string{})
		if err != nil {
			return err
		}
		b, err := r.Next(ctx)
		if err == nil {
			b.Release()
		}
		return errWith(err, r.Close())
	}
	for name, test := range map[string]struct {
		stages []Stage
		want   string
	}{
		"a source": {
			[]Stage{{Name: "a", From: []string{"in"}, Operators: []Operator{declared{scanning{skip: 2}, RowsOther}}, Output: written}},
			"operator 1 (scanning) did not read 1 of the 3 parts of input in, each at least once expected",
		},
		"some rows": {
			[]Stage{{Name: "a", From: []string{"in"}, Operators: []Operator{declared{scanning{skip: 3, hook: peek}, RowsOther}}, Output: written}},
			"operator 1 (scanning) did not read 1 of the 3 parts of input in, each at least once expected",
		},
		"what was spooled": {
			[]Stage{{Name: "a", From: []string{"in"}, Operators: []Operator{above(-1), declared{scanning{skip: 1}, RowsOther}}, Output: written}},
			"operator 2 (scanning) did not read 1 of the 1 parts of what comes to it, each at least once expected",
		},
		"a file that lost rows": {
			[]Stage{
				{Name: "b", From: []string{"in"}, Output: &Output{Path: "b", Format: leaky{read: 7}}},
				{Name: "a", From: []string{"b"}, Operators: []Operator{scanning{}}, Output: written},
			},
			"was written with 3,000 rows, and 2,993 came, as many expected",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := Pipeline{Name: "p", Sources: []NamedSource{{Name: "in", Source: numbers{splits: []int{1000, 1000, 1000}}}}, Stages: test.stages}
			f := conserved(t, &p, 2)["a"]
			if got := f.Observed + ", " + f.Expected + " expected"; f.Verdict != Fail || !strings.HasSuffix(got, test.want) {
				t.Errorf("got %s: %s\nwant %s", f.Verdict, got, test.want)
			}
		})
	}
}

// A split that has facts and gives another number of rows is an error, as everywhere.
func TestScanOfASplitThatLies(t *testing.T) {
	for _, more := range []int64{-1, 1} {
		src := lying{numbers{splits: []int{1000, 1000}, opened: new(atomic.Int32)}, more, false}
		p := Pipeline{Name: "p", Sources: []NamedSource{{Name: "in", Source: src}}, Stages: []Stage{
			{Name: "a", From: []string{"in"}, Operators: []Operator{scanning{}}, Output: written},
		}}
		_, _, err := execute(t, &p, testEnv(t, 2))
		want := fmt.Sprintf(`stage "a": split 1: 1000 rows were read, and there are %d`, 1000+more)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Columns that nobody needs are neither read nor seen.
func TestScanReadsOnlyNeededColumns(t *testing.T) {
	var seen [][]string
	hook := func(_ context.Context, in *Input, split int) error {
		if split == 0 {
			seen = append(seen, ColumnNames(in.Schema))
		}
		return nil
	}
	op := scanning{hook: hook, needs: []string{"id", "mod"}}
	for name, ops := range map[string][]Operator{"source": {op}, "spooled": {each{"pass", passOn}, op}} {
		seen = nil
		src := numbers{splits: []int{3000, 10}, asked: new([]string)}
		_, _, err := execute(t, &Pipeline{Name: "p", Sources: []NamedSource{{Name: "in", Source: src}}, Stages: []Stage{
			{Name: "a", From: []string{"in"}, Operators: ops, Output: written},
		}}, testEnv(t, 1))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]string{{"id", "mod"}}, seen); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if slices.Contains(*src.asked, "wide") {
			t.Errorf("%s: read %v", name, *src.asked)
		}
	}
}

func TestFindings(t *testing.T) {
	good := Finding{Name: Balance, Verdict: Pass, Observed: "it adds up"}
	bad := Finding{Name: Balance, Verdict: Fail, Observed: "a cent is missing"}
	for name, test := range map[string]struct {
		stages  []Stage
		want    []string
		blocked bool
	}{
		"adds up":  {[]Stage{{Name: "a", From: []string{"numbers"}, Operators: []Operator{scanning{finds: []Finding{good}}}, Output: written}}, []string{"a pass block it adds up"}, false},
		"does not": {[]Stage{{Name: "a", From: []string{"numbers"}, Operators: []Operator{scanning{finds: []Finding{bad}}, above(5)}, Output: written}}, []string{"a fail block a cent is missing"}, true},
		"of a stage that streams": {[]Stage{
			{Name: "a", From: []string{"numbers"}, Operators: []Operator{scanning{finds: []Finding{bad}}}},
			{Name: "b", From: []string{"a"}, Operators: []Operator{scanning{finds: []Finding{good}}}, Output: written},
		}, []string{"a fail block a cent is missing", "b pass block it adds up"}, true},
		"not read to the end": {[]Stage{
			{Name: "a", From: []string{"numbers"}, Operators: []Operator{scanning{finds: []Finding{good}}, upTo(10)}, Output: written},
		}, []string{"a error block scanning was not read to its end"}, true},
		"read by several": {[]Stage{
			{Name: "a", From: []string{"numbers"}, Operators: []Operator{scanning{finds: []Finding{bad}}}},
			{Name: "b", From: []string{"a"}, Operators: []Operator{upTo(10)}, Output: &Output{Path: "b", Format: lines{}}},
			{Name: "c", From: []string{"a"}, Output: &Output{Path: "c", Format: lines{}}},
		}, []string{"a fail block a cent is missing"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := execute(t, &Pipeline{Name: "p", Sources: source(130_000, 130_000, 10), Stages: test.stages}, testEnv(t, 2))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range out.Stages {
				for _, f := range s.Findings {
					if f.Name == Balance {
						got = append(got, fmt.Sprintf("%s %s %s %s", f.Stage, f.Verdict, f.Severity, f.Observed))
					}
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" || out.Blocked != test.blocked {
				t.Errorf("blocked is %t\n%s", out.Blocked, diff)
			}
		})
	}
}

// However far a scan is, what it holds is let go of when it is cancelled or fails.
func TestScanThatEndsInTheMiddle(t *testing.T) {
	broken := errors.New("broken")
	for name, ops := range map[string]func(Operator) []Operator{
		"source":  func(op Operator) []Operator { return []Operator{op} },
		"spooled": func(op Operator) []Operator { return []Operator{each{"half", evens}, op} },
	} {
		for split := range 3 {
			t.Run(fmt.Sprint(name, split), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var begin atomic.Pointer[time.Time]
				stops := func(ctx context.Context, in *Input, i int) error {
					if i == split || i == len(in.Splits)-1 {
						now := time.Now()
						begin.CompareAndSwap(nil, &now)
						cancel()
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				}
				fails := func(_ context.Context, in *Input, i int) error {
					if i == split || i == len(in.Splits)-1 {
						return broken
					}
					return nil
				}
				run := func(hook func(context.Context, *Input, int) error) error {
					env := testEnv(t, 2)
					p := Pipeline{Name: "p", Sources: source(130_000, 260_000, 130_000), Stages: []Stage{
						{Name: "a", From: []string{"numbers"}, Operators: ops(scanning{hook: hook}), Output: written},
					}}
					plan, err := Bind(ctx, &p, env)
					if err != nil {
						t.Fatal(err)
					}
					_, err = plan.Run(ctx, tempStager{t.TempDir()}, nil)
					if left, _ := filepath.Glob(filepath.Join(env.Temp, "*")); len(left) > 0 {
						t.Errorf("%v is left", left)
					}
					return err
				}
				if err := run(fails); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), `stage "a": `) {
					t.Errorf("got %v", err)
				}
				if err := run(stops); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(*begin.Load()); took > time.Second {
					t.Errorf("took %v", took)
				}
			})
		}
	}
}

// Rows that are read in any order can't be followed.
func TestScanIsNotFollowed(t *testing.T) {
	p := Pipeline{Name: "p", Sources: source(10), Stages: []Stage{
		{Name: "a", From: []string{"numbers"}, Operators: []Operator{scanning{}}, Output: written, Lineage: RowDepth},
	}}
	_, err := Bind(t.Context(), &p, testEnv(t, 1))
	want := "`lineage: rows` can't be exact: scanning: it reads its inputs in any order, and does not say which of its rows come from which"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// A part of an input of an operator that reads as it likes keeps the places of its rows.
func TestScanOfRowsThatAreLeftOut(t *testing.T) {
	at := []int32{1, 3}
	open := func(_ context.Context, env *Env, columns []string) (Reader, error) {
		return &placing{numberBatches(env.Alloc, 0, 2, columns), at}, nil
	}
	var told []int64
	sc := &scanned{count: new(sync.Mutex), tell: func(_ int, rows int64) error { told = append(told, rows); return nil }}
	in := sc.of(project(numbersSchema, []string{"id"}), &Input{Schema: numbersSchema, Whole: true, Splits: []Split{{Rows: 5, AtMost: true, Open: open}}})
	env := testEnv(t, 1)
	for range 2 {
		r, err := in.Splits[0].Open(t.Context(), env, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = Each(t.Context(), r, func(b arrow.RecordBatch) error {
			if diff := cmp.Diff(at, r.(Placer).Places()); diff != "" || b.NumCols() != 1 {
				t.Errorf("%d columns: %s", b.NumCols(), diff)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if in.Whole || !slices.Equal(told, []int64{2}) {
		t.Errorf("whole is %t, told %v", in.Whole, told)
	}
}

type placing struct {
	Reader
	at []int32
}

func (p *placing) Places() []int32 { return p.at }
