package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func source(splits ...int) []NamedSource {
	return []NamedSource{{Name: "numbers", Source: numbers{splits: splits}}}
}

var written = &Output{Path: "out", Format: lines{}}

// shapes are pipelines that take every way through the engine.
var shapes = map[string]Pipeline{
	"one stage": {Stages: []Stage{
		{Name: "a", From: []string{"numbers"}, Operators: []Operator{each{"half", evens}}, Gates: fewer{limit: 1 << 40}, Output: written},
	}},
	"blocking operator in the middle": {Stages: []Stage{
		{Name: "a", From: []string{"numbers"}, Operators: []Operator{each{"half", evens}, barrier{}, each{"half", evens}}, Output: written},
	}},
	"stages that stream": {Stages: []Stage{
		{Name: "c", From: []string{"b"}, Operators: []Operator{barrier{}}, Output: written},
		{Name: "a", From: []string{"numbers"}, Operators: []Operator{each{"half", evens}}, Gates: fewer{limit: 1 << 40}},
		{Name: "b", From: []string{"a"}, Operators: []Operator{each{"half", evens}}},
	}},
	"a stage that two read, and a gate looks into": {Stages: []Stage{
		{Name: "a", From: []string{"numbers"}, Operators: []Operator{each{"half", evens}}},
		{Name: "b", From: []string{"a"}, Operators: []Operator{each{"half", evens}}, Output: written},
		{Name: "c", From: []string{"a", "numbers"}, Operators: []Operator{barrier{}}, Gates: fewer{limit: 1 << 40, inputs: []string{"a", "b"}}, Output: &Output{Path: "c", Format: lines{}}},
	}},
	"quarantine": {Stages: []Stage{
		{Name: "a", From: []string{"numbers"}, Gates: fewer{limit: 1 << 40, aside: 1}, Output: written},
	}},
}

func TestSameForAnyNumberOfWorkers(t *testing.T) {
	for name, p := range shapes {
		t.Run(name, func(t *testing.T) {
			p.Name, p.Sources = "p", source(5000, 1, 0, 125_000, 62_000, 999, 3000)
			wantOut, wantFiles, err := execute(t, &p, testEnv(t, 1))
			if err != nil {
				t.Fatal(err)
			}
			for _, workers := range []int{2, 8} {
				out, files, err := execute(t, &p, testEnv(t, workers))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(wantFiles, files); diff != "" {
					t.Errorf("%d workers: files differ", workers)
				}
				if diff := cmp.Diff(findings(wantOut), findings(out)); diff != "" {
					t.Errorf("%d workers: findings (-1 worker):\n%s", workers, diff)
				}
			}
		})
	}
}

func findings(out *Outcome) (all []any) {
	for _, s := range out.Stages {
		all = append(all, s.Record, s.Findings)
	}
	return append(all, out.RowsIn)
}

func TestCountsOfStages(t *testing.T) {
	p := shapes["quarantine"]
	p.Name, p.Sources = "p", source(2000, 1500)
	out, files, err := execute(t, &p, testEnv(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	want := StageRecord{Name: "a", RowsIn: 3500, RowsOut: 3496, RowsQuarantined: 4}
	if diff := cmp.Diff(want, out.Stages[0].Record); diff != "" {
		t.Error(diff)
	}
	if out.RowsIn != 3500 {
		t.Errorf("rows in: %d", out.RowsIn)
	}
	if got, want := files["a-true-part-0.txt"], "0 0 0 first split 0 0\n1000 6 1000 first split 0 1000\n2000 5 2000 first split 1 2000\n3000 4 3000 first split 1 3000\n"; got != want {
		t.Errorf("quarantine: got %q, want %q", got, want)
	}
}

func TestBlockedStageStopsThoseAfterIt(t *testing.T) {
	p := Pipeline{Name: "p", Sources: source(100), Stages: []Stage{
		{Name: "bad", From: []string{"numbers"}, Gates: fewer{limit: 10}, Output: written},
		{Name: "after", From: []string{"bad"}, Output: &Output{Path: "after", Format: lines{}}},
		{Name: "beside", From: []string{"numbers"}, Output: &Output{Path: "beside", Format: lines{}}},
	}}
	out, _, err := execute(t, &p, testEnv(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range out.Stages {
		names = append(names, s.Stage.Name)
	}
	if diff := cmp.Diff([]string{"bad", "beside"}, names); diff != "" || !out.Blocked {
		t.Errorf("blocked %t, stages %s", out.Blocked, diff)
	}
}

// keep is an operator that needs only the columns it names.
type keep []string

func (o keep) String() string { return "keep " + strings.Join(o, ", ") }

func (o keep) Bind(in ...*arrow.Schema) (*Bound, error) {
	b := &Bound{Schema: project(in[0], o), Each: func(Unit) (BatchFunc, error) {
		return func(_ context.Context, batch arrow.RecordBatch) (arrow.RecordBatch, error) {
			var indexes []int
			for _, name := range o {
				indexes = append(indexes, batch.Schema().FieldIndices(name)[0])
			}
			return pick(batch, project(in[0], o), indexes), nil
		}, nil
	}}
	for _, name := range o {
		i := in[0].FieldIndices(name)
		if len(i) == 0 {
			return nil, Errorf(Invalid, "%s", Unknown("column", name, ColumnNames(in[0])))
		}
		b.From = append(b.From, []Column{{0, i[0]}})
	}
	return b, nil
}

func TestOnlyNeededColumnsAreRead(t *testing.T) {
	var asked []string
	p := Pipeline{
		Name:    "p",
		Sources: []NamedSource{{Name: "numbers", Source: numbers{splits: []int{10}, asked: &asked}}},
		Stages: []Stage{
			{Name: "a", From: []string{"numbers"}, Operators: []Operator{each{"pass", passOn}}},
			{Name: "b", From: []string{"a"}, Operators: []Operator{keep{"mod"}}, Output: written},
		},
	}
	_, files, err := execute(t, &p, testEnv(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mod"}, asked); diff != "" {
		t.Error(diff)
	}
	if got, want := files["b-false-part-0.txt"], "0\n1\n2\n3\n4\n5\n6\n0\n1\n2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPanicNamesTheStage(t *testing.T) {
	boom := func(context.Context, arrow.RecordBatch) (arrow.RecordBatch, error) { panic("boom") }
	p := Pipeline{Name: "p", Sources: source(10_000, 10_000), Stages: []Stage{
		{Name: "fine", From: []string{"numbers"}, Operators: []Operator{each{"pass", passOn}}},
		{Name: "bad", From: []string{"fine"}, Operators: []Operator{each{"boom", boom}}, Output: written},
	}}
	_, _, err := execute(t, &p, testEnv(t, 4))
	if err == nil || !strings.HasPrefix(err.Error(), "stage \"bad\": panic: boom\n\t") || KindOf(err) != Internal {
		t.Errorf("got %v", err)
	}
}

func TestErrorOfAnOperatorNamesTheStage(t *testing.T) {
	n := 0
	fails := func(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
		if n++; n == 3 {
			return nil, Errorf(BadInput, "row 7 is bad")
		}
		return passOn(ctx, in)
	}
	for _, ops := range [][]Operator{{each{"fails", fails}}, {each{"fails", fails}, barrier{}}} {
		n = 0
		p := Pipeline{Name: "p", Sources: source(5000), Stages: []Stage{
			{Name: "a", From: []string{"numbers"}, Operators: ops, Output: written},
		}}
		_, _, err := execute(t, &p, testEnv(t, 1))
		if err == nil || err.Error() != `stage "a": row 7 is bad` {
			t.Errorf("got %v", err)
		}
	}
}

// Of some tries the quickest counts: what else the machine does is no fault of the engine.
func TestCancelReturnsSoon(t *testing.T) {
	var started chan struct{}
	stuck := func(ctx context.Context, _ arrow.RecordBatch) (arrow.RecordBatch, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, ops := range map[string][]Operator{"stateless": {each{"stuck", stuck}}, "blocking": {each{"stuck", stuck}, barrier{}}} {
		t.Run(name, func(t *testing.T) {
			p := Pipeline{Name: "p", Sources: source(5000, 5000, 5000), Stages: []Stage{
				{Name: "a", From: []string{"numbers"}, Operators: ops, Output: written},
			}}
			plan, err := Bind(t.Context(), &p, testEnv(t, 2))
			if err != nil {
				t.Fatal(err)
			}
			took := time.Hour
			for try := 0; try < 5 && took > 500*time.Millisecond; try++ {
				started = make(chan struct{}, 100)
				ctx, cancel := context.WithCancel(t.Context())
				cancelled := make(chan time.Time, 1)
				go func() { <-started; cancelled <- time.Now(); cancel() }()
				_, err = plan.Run(ctx, tempStager{t.TempDir()}, nil)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				took = min(took, time.Since(<-cancelled))
			}
			if took > 500*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestBudgetBoundsWhatIsQueued(t *testing.T) {
	p := Pipeline{Name: "p", Sources: source(100_000, 100_000, 100_000, 100_000, 100_000, 100_000), Stages: []Stage{
		{Name: "a", From: []string{"numbers"}, Output: written},
	}}
	env := testEnv(t, 8)
	env.Memory = NewBudget(1) // every unit goes beyond it
	if _, _, err := execute(t, &p, env); err != nil {
		t.Fatal(err)
	}
	// Eight workers may each have begun before the first gave its bytes back.
	if peak, limit := env.Memory.Peak(), int64(9*100_000*3*8); peak > limit {
		t.Errorf("peak of %d bytes, at most %d expected", peak, limit)
	}
}

func TestProblemsOfAPipeline(t *testing.T) {
	ops := func(ops ...Operator) []Operator { return ops }
	for _, test := range []struct {
		name   string
		stages []Stage
		want   string
	}{
		{"no stages", nil, `pipeline "p" has no stages`},
		{"unknown input", []Stage{{Name: "a", From: []string{"number"}}}, `stage "a": unknown source or stage "number"; did you mean "numbers"?`},
		{"no input", []Stage{{Name: "a"}}, `stage "a": no input: say from which source or stage it reads`},
		{"twice", []Stage{{Name: "numbers", From: []string{"numbers"}}}, `stage "numbers": a name of letters, digits, "_" and "-" is needed, each once`},
		{"circle", []Stage{{Name: "a", From: []string{"b"}}, {Name: "b", From: []string{"a"}}}, `stage "a": stages read from each other in a circle: a → b → a`},
		{"one place", []Stage{{Name: "a", From: []string{"numbers"}, Output: written}, {Name: "b", From: []string{"a"}, Output: written}}, `stage "b": publishes to out, and so does stage "a"`},
		{"two inputs", []Stage{{Name: "a", From: []string{"numbers", "numbers"}}}, `stage "a": several inputs, and no operator that brings them together; begin with join, union or sql`},
		{"operator", []Stage{{Name: "a", From: []string{"numbers"}, Operators: ops(keep{"mode"})}, {Name: "b", From: []string{"a"}}}, `stage "a": unknown column "mode"; did you mean "mod"?`},
		{"two problems", []Stage{{Name: "a", From: []string{"numbers"}, Operators: ops(keep{"x"})}, {Name: "b", From: []string{"numbers"}, Gates: fewer{aside: 1}}}, "stage \"a\": unknown column \"x\"; known are id, mod, wide\nstage \"b\": a gate quarantines rows, but the stage has no output to keep them beside; give it an output"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Pipeline{Name: "p", Sources: source(1), Stages: test.stages}
			_, err := Bind(t.Context(), &p, testEnv(t, 1))
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// above keeps the rows of an id of at least some number, and knows which splits have none.
type above int64

func (o above) String() string { return fmt.Sprint("above ", int64(o)) }

func (o above) Bind(in ...*arrow.Schema) (*Bound, error) {
	b, err := each{name: "above"}.Bind(in...)
	b.Each = nil
	b.Reads = []Column{{0, 0}}
	b.Keep = func(Unit) (KeepFunc, error) {
		return func(_ context.Context, in arrow.RecordBatch) ([]bool, error) {
			var keep []bool
			for _, id := range in.Column(0).(*array.Int64).Int64Values() {
				keep = append(keep, id >= int64(o))
			}
			return keep, nil
		}, nil
	}
	b.Proves = func(_ int64, facts func(int) Facts) (none, all, safe bool) {
		first, _ := facts(0).Min.(int64)
		last, known := facts(0).Max.(int64)
		return known && last < int64(o), known && first >= int64(o), true
	}
	return b, err
}

// Rows that nobody has to read are counted as if they were, and change nothing.
func TestSplitsThatAreSkipped(t *testing.T) {
	for _, test := range []struct {
		operators   []Operator
		opened      int
		rowsIn, out int64
	}{
		{[]Operator{above(2500)}, 2, 4000, 1500},
		{[]Operator{above(9999)}, 0, 4000, 0},
		{[]Operator{above(0)}, 4, 4000, 4000},
		// Only the first operator sees the rows as the source has them.
		{[]Operator{each{"pass", passOn}, above(2500)}, 4, 4000, 1500},
		{[]Operator{barrier{}, above(2500)}, 4, 4000, 1500},
	} {
		var opened atomic.Int32
		src := numbers{splits: []int{1000, 1000, 1000, 1000}, opened: &opened}
		out, _, err := execute(t, &Pipeline{
			Name: "p", Sources: []NamedSource{{Name: "numbers", Source: src}},
			Stages: []Stage{{Name: "a", From: []string{"numbers"}, Operators: test.operators, Output: written}},
		}, testEnv(t, 2))
		if err != nil {
			t.Fatal(err)
		}
		got := out.Stages[0].Record
		got.Operators = nil
		if want := (StageRecord{Name: "a", RowsIn: test.rowsIn, RowsOut: test.out, RowsFiltered: test.rowsIn - test.out}); !cmp.Equal(got, want) || out.RowsIn != test.rowsIn || int(opened.Load()) != test.opened {
			t.Errorf("%v: %d splits opened, %+v, %d rows in; want %d splits, %+v", test.operators, opened.Load(), out.Stages[0].Record, out.RowsIn, test.opened, want)
		}
	}
}
