package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// numbers is a source of int64 columns id (0, 1, 2, …), mod (id % 7) and wide,
// cut into splits of the given numbers of rows.
type numbers struct {
	splits []int
	asked  *[]string // columns that were asked for
	// opened counts the splits that are opened; where it is set, splits have facts.
	opened *atomic.Int32
}

var numbersSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "mod", Type: arrow.PrimitiveTypes.Int64},
	{Name: "wide", Type: arrow.PrimitiveTypes.Int64},
}, nil)

func (n numbers) String() string { return "numbers" }

func (n numbers) Resolve(context.Context, *Env) (*Input, error) {
	in := &Input{Schema: numbersSchema}
	first := 0
	var mu sync.Mutex
	for i, rows := range n.splits {
		from := first
		in.Splits = append(in.Splits, Split{
			Name: fmt.Sprintf("split %d", i), Rows: int64(rows), Bytes: -1,
			Open: func(_ context.Context, env *Env, columns []string) (Reader, error) {
				if columns == nil {
					columns = ColumnNames(numbersSchema)
				}
				if n.opened != nil {
					n.opened.Add(1)
				}
				if n.asked != nil {
					mu.Lock()
					*n.asked = columns
					mu.Unlock()
				}
				return numberBatches(env.Alloc, from, rows, columns), nil
			},
		})
		if n.opened != nil {
			in.Splits[i].Facts = func(column string) Facts {
				if column != "id" {
					return Facts{}
				}
				return Facts{Min: int64(from), Max: int64(from + rows - 1), HasNulls: true}
			}
		}
		first += rows
	}
	return in, nil
}

func numberBatches(alloc memory.Allocator, from, rows int, columns []string) Reader {
	const size = 1000
	schema := project(numbersSchema, columns)
	var batches []arrow.RecordBatch
	for done := 0; done < rows; done += size {
		n := min(size, rows-done)
		b := array.NewRecordBuilder(alloc, schema)
		for i, f := range schema.Fields() {
			for id := from + done; id < from+done+n; id++ {
				v := int64(id)
				if f.Name == "mod" {
					v %= 7
				}
				b.Field(i).(*array.Int64Builder).Append(v)
			}
		}
		if len(columns) == 0 {
			batches = append(batches, array.NewRecordBatch(schema, nil, int64(n)))
		} else {
			batches = append(batches, b.NewRecordBatch())
		}
		b.Release()
	}
	return Batches(batches...)
}

// each is a stateless operator made of a function; it keeps the schema.
type each struct {
	name string
	f    BatchFunc
}

func (o each) String() string { return o.name }

func (o each) Bind(in ...*arrow.Schema) (*Bound, error) {
	b := &Bound{Schema: in[0], Each: func(Unit) (BatchFunc, error) { return o.f, nil }}
	if o.name == "half" {
		b.Rows = RowsFewer
	}
	for i := range in[0].Fields() {
		b.From = append(b.From, []Column{{0, i}})
	}
	return b, nil
}

func passOn(_ context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
	in.Retain()
	return in, nil
}

// evens keeps the rows of even id by their position.
func evens(ctx context.Context, in arrow.RecordBatch) (arrow.RecordBatch, error) {
	if in.NumRows() < 2 {
		return passOn(ctx, in)
	}
	return in.NewSlice(0, in.NumRows()/2), nil
}

// barrier is a blocking operator: it holds everything before it gives anything.
type barrier struct{}

func (barrier) String() string { return "barrier" }

func (barrier) Bind(in ...*arrow.Schema) (*Bound, error) {
	b := &Bound{Schema: in[0]}
	for i := range in[0].Fields() {
		var from []Column
		for input := range in {
			from = append(from, Column{input, i})
		}
		b.From = append(b.From, from)
	}
	b.Stream = func(ctx context.Context, _ *Env, ins ...Reader) (Reader, error) {
		var all []arrow.RecordBatch
		for _, r := range ins {
			err := Each(ctx, r, func(b arrow.RecordBatch) error {
				b.Retain()
				all = append(all, b)
				return nil
			})
			if err != nil {
				return nil, errWith(err, Batches(all...).Close())
			}
		}
		return Batches(all...), nil
	}
	return b, nil
}

// lines is a format that writes a row as its values, a line each.
type lines struct{}

func (lines) String() string { return "lines" }
func (lines) Ext() string    { return ".txt" }

func (lines) Create(w io.Writer, _ *arrow.Schema) (Encoder, error) { return &lineEncoder{w}, nil }

// Source ignores what was written and gives numbers of as many rows as lines.
func (lines) Source(_ *arrow.Schema, written ...File) Source { return lineSource{written[0].Path} }

type lineSource struct{ path string }

func (s lineSource) String() string { return s.path }

func (s lineSource) Resolve(ctx context.Context, env *Env) (*Input, error) {
	text, err := os.ReadFile(s.path)
	if err != nil {
		return nil, err
	}
	return numbers{splits: []int{bytes.Count(text, []byte("\n"))}}.Resolve(ctx, env)
}

type lineEncoder struct{ w io.Writer }

func (e *lineEncoder) Encode(_ context.Context, batches []arrow.RecordBatch) (Chunk, error) {
	var b bytes.Buffer
	for _, batch := range batches {
		for i := range int(batch.NumRows()) {
			for j, col := range batch.Columns() {
				fmt.Fprint(&b, strings.Repeat(" ", min(j, 1)), col.ValueStr(i))
			}
			b.WriteByte('\n')
		}
	}
	return b.Bytes(), nil
}

func (e *lineEncoder) Append(c Chunk) error {
	_, err := e.w.Write(c.([]byte))
	return err
}

func (e *lineEncoder) Close() error { return nil }

// tempStager stages into a directory.
type tempStager struct{ dir string }

func (t tempStager) Create(_ context.Context, s *Stage, quarantine bool, name string) (StagedFile, error) {
	f, err := os.Create(filepath.Join(t.dir, fmt.Sprintf("%s-%t-%s", s.Name, quarantine, name)))
	return &tempFile{f, f.Name()}, err
}

func (t tempStager) Adopt(ctx context.Context, s *Stage, name, from string) (StagedFile, error) {
	f, err := t.Create(ctx, s, false, name)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(from)
	if err == nil {
		_, err = f.Write(text)
	}
	return f, errWith(err, f.Close())
}

func (t tempStager) Trace(_ context.Context, s *Stage, name string) (StagedFile, error) {
	f, err := os.Create(filepath.Join(t.dir, s.Name+"-"+name))
	return &tempFile{f, f.Name()}, err
}

type tempFile struct {
	io.WriteCloser
	path string
}

func (f *tempFile) File() File {
	sum, _ := HashFile(context.Background(), f.path)
	return File{Path: f.path, SHA256: sum}
}
func (f *tempFile) Path() string { return f.path }

// fewer is a judge: rows must be fewer than limit; ids divisible by aside go aside.
type fewer struct {
	limit, aside int64
	inputs       []string
}

func (j fewer) String() string   { return fmt.Sprintf("fewer than %d", j.limit) }
func (j fewer) Inputs() []string { return j.inputs }

func (j fewer) Bind(schema *arrow.Schema, _ Surroundings) (*BoundJudge, error) {
	b := &BoundJudge{Quarantines: j.aside > 0}
	for _, name := range j.inputs {
		b.Inputs = append(b.Inputs, JudgeInput{Input: name, Columns: []string{"id"}})
	}
	b.Open = func(ctx context.Context, h Hearing) (Court, error) {
		c := &fewerCourt{judge: j}
		for _, l := range h.Lookups {
			if err := Each(ctx, l.Reader, func(b arrow.RecordBatch) error { c.looked += b.NumRows(); return nil }); err != nil {
				return nil, err
			}
		}
		return c, nil
	}
	return b, nil
}

type fewerCourt struct {
	judge        fewer
	rows, looked int64
}

func (c *fewerCourt) Unit(Unit) Witness { return &fewerWitness{court: c} }

func (c *fewerCourt) Merge(w Witness) error {
	c.rows += w.(*fewerWitness).rows
	return nil
}

func (c *fewerCourt) Judge(context.Context, func(context.Context, []int) (Reader, error)) (*Judgement, error) {
	f := Finding{Name: "fewer", Verdict: Pass, Observed: fmt.Sprint(c.rows), Expected: fmt.Sprint(c.looked)}
	if c.rows >= c.judge.limit {
		f.Verdict = Fail
	}
	return &Judgement{Findings: []Finding{f}}, nil
}

type fewerWitness struct {
	court *fewerCourt
	rows  int64
}

func (w *fewerWitness) Know(context.Context, *Known) Doubt {
	return Doubt{Any: true, Sifts: w.court.judge.aside > 0}
}

func (w *fewerWitness) Observe(_ context.Context, in arrow.RecordBatch, _ []int32) (*Sifted, error) {
	n := in.NumRows()
	if w.court.judge.aside > 0 && n > 1 {
		w.rows += n - 1
		keep := slices.Repeat([]bool{true}, int(n))
		keep[0] = false
		return &Sifted{Keep: keep, Why: []string{"first"}}, nil
	}
	w.rows += n
	return nil, nil
}

// testEnv is an environment whose allocations are checked when the test ends.
func testEnv(t *testing.T, workers int) *Env {
	t.Helper()
	alloc := memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { alloc.AssertSize(t, 0) })
	return &Env{
		Dir: t.TempDir(), Temp: t.TempDir(), Workers: workers, Memory: NewBudget(64 << 20),
		Now: func() time.Time { return time.Time{} }, Alloc: alloc,
	}
}

// execute binds and runs p, and gives the outcome with the text of every file.
func execute(t *testing.T, p *Pipeline, env *Env) (*Outcome, map[string]string, error) {
	t.Helper()
	plan, err := Bind(t.Context(), p, env)
	if err != nil {
		return nil, nil, err
	}
	stager := tempStager{t.TempDir()}
	out, err := plan.Run(t.Context(), stager, nil)
	files := map[string]string{}
	paths, _ := filepath.Glob(filepath.Join(stager.dir, "*"))
	slices.Sort(paths)
	for _, path := range paths {
		text, rerr := os.ReadFile(path)
		if rerr != nil {
			t.Fatal(rerr)
		}
		files[filepath.Base(path)] = string(text)
	}
	return out, files, err
}
