package penstock_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/pipeline"
)

// Lineage of rows that can't be exact is refused when it is planned, at its place.
func TestTraceIsRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.csv", "id,v\n1,2\n")
	write("b.csv", "id,penstock.place.0\n1,2\n")
	bind := func(stages string, change ...func(*pipeline.Pipeline)) error {
		t.Helper()
		pl, err := config.Parse("p.yaml", []byte("name: p\nsources:\n  a: {csv: a.csv}\n  b: {csv: b.csv}\nstages:\n"+stages), config.Options{})
		if err != nil {
			return err
		}
		for _, f := range change {
			f(pl)
		}
		_, err = pipeline.Bind(t.Context(), pl, &pipeline.Env{Dir: dir, Workers: 1, Memory: pipeline.NewBudget(1 << 20), Alloc: memory.DefaultAllocator})
		return err
	}
	traced := func(rest string) string {
		return "  t:\n    from: a\n    output: {parquet: out/t}\n    lineage: rows\n" + rest
	}
	doubled := func(_ context.Context, b arrow.RecordBatch) (arrow.RecordBatch, error) {
		b.Retain()
		return b, nil
	}
	with := func(op pipeline.Operator) func(*pipeline.Pipeline) {
		return func(pl *pipeline.Pipeline) { pl.Stages[0].Operators = append(pl.Stages[0].Operators, op) }
	}
	for _, c := range []struct {
		name, stages, want string
		change             func(*pipeline.Pipeline)
	}{
		{
			name: "SQL", stages: traced("    operators:\n      - filter: v > 1\n      - sql: SELECT id, row_number() OVER () AS n FROM input\n"),
			want: "p.yaml:12:9: stage \"t\": `lineage: rows` can't be exact: sql over input: SELECT id, row_number() OVER () AS n FROM input: it has a window function",
		},
		{
			name: "SQL before", stages: "  s:\n    from: a\n    operators: [{sql: SELECT DISTINCT id FROM a}]\n" + strings.Replace(traced(""), "from: a", "from: s", 1),
			want: "p.yaml:8:18: stage \"s\": `lineage: rows`, for which a later stage asks, can't be exact: sql over a: SELECT DISTINCT id FROM a: it has a DISTINCT",
		},
		{
			name: "no output", stages: "  t:\n    from: a\n    lineage: rows\n",
			want: "p.yaml:6:3: stage \"t\": `lineage: rows` is kept beside an output, and the stage has none",
		},
		{
			name: "another depth", stages: strings.Replace(traced(""), "rows", "row", 1),
			want: `p.yaml:9:14: stage "t": lineage: unknown choice "row"; did you mean "rows"?`,
		},
		{
			name: "a column of that name", stages: strings.Replace(traced(""), "from: a", "from: b", 1),
			want: "p.yaml:6:3: stage \"t\": `lineage: rows` can't be exact: column \"penstock.place.0\" has a name that lineage keeps for itself",
		},
		{
			name: "a user's function", stages: traced(""), change: with(operators.Map("double", nil, doubled)),
			want: "can't be exact: map double: it is a function of which it is not known whether it gives each row in its place",
		},
		{name: "one that says so", stages: traced(""), change: with(operators.MapEach("double", nil, doubled))},
		{name: "a user's operator", stages: traced(""), change: with(mute{}), want: "can't be exact: mute: it does not say which of its rows come from which"},
		{name: "SQL before an output", stages: "  s:\n    from: a\n    operators: [{sql: SELECT DISTINCT id FROM a}]\n    output: {parquet: out/s}\n" + strings.Replace(traced(""), "from: a", "from: s", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			if c.change != nil {
				err = bind(c.stages, c.change)
			} else {
				err = bind(c.stages)
			}
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// mute is a blocking operator that does not tell which rows its rows come from.
type mute struct{}

func (mute) String() string { return "mute" }

func (mute) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	return &pipeline.Bound{Schema: in[0], Stream: func(_ context.Context, _ *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error) {
		return in[0], nil
	}}, nil
}
