package reconcile_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"

	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/internal/twosides"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/words"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seeds calls f with so many seeds, with PENSTOCK_LONG with twenty times as many, with
// PENSTOCK_SEED with that one.
func seeds(t *testing.T, n int, f func(t *testing.T, seed uint64)) {
	t.Helper()
	from, to := uint64(0), uint64(n)
	if seed.Long() {
		to *= 20
	}
	if seed.Chosen() {
		from = seed.For(t)
		to = from + 1
	}
	for s := from; s < to && !t.Failed(); s++ {
		t.Run(strconv.FormatUint(s, 10), func(t *testing.T) { f(t, s) })
	}
}

// setting is how a comparison is run; none of it may matter.
type setting struct {
	workers int
	memory  int64
}

var usual = setting{workers: 2, memory: 1 << 30}

// format is that of the output, which writes it and gives it back.
var format pipeline.Format = parquet.Format{}

// result is what a comparison gave.
type result struct {
	rows    []twosides.Row
	nths    map[string][]string // nth of each outcome, key, column and cause
	cells   []map[string]string // all of it, as text; "" is null
	digest  string              // of the file
	finding pipeline.Finding    // balance
	blocked bool
}

// staged keeps what a run stages in a directory.
type staged struct{ dir string }

type stagedFile struct {
	io.WriteCloser
	path string
}

func (s staged) Create(_ context.Context, st *pipeline.Stage, _ bool, name string) (pipeline.StagedFile, error) {
	path := filepath.Join(s.dir, st.Name+"-"+name)
	f, err := os.Create(path)
	return stagedFile{f, path}, err
}

func (s staged) Adopt(context.Context, *pipeline.Stage, string, string) (pipeline.StagedFile, error) {
	return nil, fmt.Errorf("nothing is adopted here")
}

func (s staged) Trace(ctx context.Context, st *pipeline.Stage, name string) (pipeline.StagedFile, error) {
	return s.Create(ctx, st, false, "trace-"+name)
}

func (f stagedFile) File() pipeline.File { return pipeline.File{Path: f.path} }
func (f stagedFile) Path() string        { return f.path }

// compare runs a reconciliation of two sources as a stage of a pipeline by day.
func compare(t testing.TB, o reconcile.Options, left, right pipeline.Source, set setting) (*result, error) {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer func() {
		if n := alloc.CurrentAlloc(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	}()
	scheme := pipeline.Scheme{By: pipeline.Day}
	part, err := scheme.Parse(twosides.Partition.Format(time.DateOnly))
	if err != nil {
		t.Fatal(err)
	}
	env := &pipeline.Env{
		Partition: part, Alloc: alloc, Memory: pipeline.NewBudget(set.memory), Workers: set.workers, Temp: t.TempDir(), Now: time.Now, Dir: t.TempDir(),
	}
	p := &pipeline.Pipeline{
		Name: "night", Partitions: scheme,
		Sources: []pipeline.NamedSource{{Name: "left", Source: left}, {Name: "right", Source: right}},
		Stages: []pipeline.Stage{{
			Name: "compare", From: []string{"left", "right"}, Operators: []pipeline.Operator{operator(o)},
			Output: &pipeline.Output{Path: "out", Format: format},
		}},
	}
	ctx := context.Background()
	plan, err := pipeline.Bind(ctx, p, env)
	if err != nil {
		return nil, err
	}
	dir := t.TempDir()
	out, err := plan.Run(ctx, staged{dir}, nil)
	if err != nil {
		return nil, err
	}
	res := &result{nths: map[string][]string{}, blocked: out.Blocked}
	for _, f := range out.Stages[0].Findings {
		if f.Name == "balance" {
			res.finding = f
		}
	}
	for _, f := range out.Stages[0].Files {
		res.read(t, out.Stages[0].Schema, f.Path)
	}
	return res, nil
}

// read adds the rows of a file.
func (res *result) read(t testing.TB, schema *arrow.Schema, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	res.digest += fmt.Sprintf("%x ", sha256.Sum256(text))
	env := &pipeline.Env{Alloc: memory.DefaultAllocator, Memory: pipeline.NewBudget(1 << 30), Workers: 1}
	in, err := format.Source(schema, pipeline.File{Path: path, Rows: -1}).Resolve(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range in.Splits {
		r, err := s.Open(t.Context(), env, nil)
		if err == nil {
			err = pipeline.Each(t.Context(), r, func(b arrow.RecordBatch) error {
				for row := range int(b.NumRows()) {
					res.add(t, b, row)
				}
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (res *result) add(t testing.TB, b arrow.RecordBatch, row int) {
	t.Helper()
	cells := map[string]string{}
	for c, col := range b.Columns() {
		if !col.IsNull(row) {
			cells[b.ColumnName(c)] = cell(col, row)
		}
	}
	count := func(name string) int64 {
		n, err := strconv.ParseInt(cells[name], 10, 64)
		if err != nil {
			t.Fatalf("%s: %v of %v", name, err, cells)
		}
		return n
	}
	r := twosides.Row{
		Outcome: cells[words.ColOutcome], Pass: cells[words.ColPass], Key: cells[words.ColKey],
		Column: cells[words.ColColumn], Cause: cells[words.ColCause], Delta: numberOf(t, cells[words.ColDelta]),
		Rows:   [2]int64{count(words.ColLeftRows), count(words.ColRightRows)},
		Totals: [2]twosides.Number{numberOf(t, cells[words.ColLeftTotal]), numberOf(t, cells[words.ColRightTotal])},
	}
	res.rows, res.cells = append(res.rows, r), append(res.cells, cells)
	what := r.Outcome + " " + r.Key + " " + r.Column + " " + r.Cause
	if r.Outcome != words.Matched {
		res.nths[what] = append(res.nths[what], cells[words.ColNth])
	}
}

func cell(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.Float64:
		return strconv.FormatFloat(a.Value(i), 'f', 6, 64)
	case *array.String:
		return a.Value(i)
	}
	return a.ValueStr(i)
}

// numberOf reads a number in ten-thousandths; of floats what is less is noise.
func numberOf(t testing.TB, text string) twosides.Number {
	t.Helper()
	if text == "" {
		return twosides.Number{}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	n, ok := new(big.Rat).SetString(r.Mul(r, big.NewRat(10_000, 1)).FloatString(0))
	if !ok || !n.Num().IsInt64() {
		t.Fatalf("%q is no number", text)
	}
	return twosides.Number{Units: n.Num().Int64(), Valid: true}
}

// sameAs compares two results, byte by byte.
func (res *result) sameAs(t testing.TB, want *result) {
	t.Helper()
	if res.digest == want.digest {
		return
	}
	for i := range min(len(res.cells), len(want.cells)) {
		if !maps.Equal(res.cells[i], want.cells[i]) {
			t.Fatalf("row %d of %d is %v; want, of %d, %v", i, len(res.cells), res.cells[i], len(want.cells), want.cells[i])
		}
	}
	t.Fatalf("%d rows, want %d; the bytes are others", len(res.cells), len(want.cells))
}

// ofSides runs the comparison of two sides made up.
func ofSides(t testing.TB, s *twosides.Sides, set setting) *result {
	t.Helper()
	res, err := compare(t, s.Options, s.Tables[0], s.Tables[1], set)
	if err != nil {
		t.Fatalf("%v\n%+v\n%s\n%s", err, s.Options, s.Tables[0].Schema, s.Tables[1].Schema)
	}
	return res
}

// withRows is the same that gives rows that match one by one.
func withRows(s *twosides.Sides) *twosides.Sides {
	c := *s
	c.Options.Rows = true
	return &c
}
