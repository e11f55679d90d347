package penstock_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/pipeline"
)

// counted is a source that records what is asked of its splits.
type counted struct {
	pipeline.Source
	mu   *sync.Mutex
	asks *[]string
}

func (c counted) note(split int, columns []string, keep []bool) {
	n := 0
	for _, k := range keep {
		if k {
			n++
		}
	}
	text := fmt.Sprintf("%d %s", split, strings.Join(columns, ","))
	if columns == nil {
		text = fmt.Sprintf("%d all", split)
	}
	if keep != nil {
		text += fmt.Sprintf(" of %d", n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.asks = append(*c.asks, text)
}

func (c counted) Resolve(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	in, err := c.Source.Resolve(ctx, env)
	if err != nil {
		return nil, err
	}
	for i := range in.Splits {
		s := &in.Splits[i]
		open, some, coded := s.Open, s.OpenSome, s.OpenCoded
		s.Open = func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
			c.note(i, columns, nil)
			return open(ctx, env, columns)
		}
		s.OpenSome = func(ctx context.Context, env *pipeline.Env, columns []string, keep []bool) (pipeline.Reader, error) {
			c.note(i, columns, keep)
			return some(ctx, env, columns, keep)
		}
		s.OpenCoded = func(ctx context.Context, env *pipeline.Env, columns []string, keep []bool, as []string) (pipeline.Reader, error) {
			c.note(i, columns, keep)
			return coded(ctx, env, columns, keep, as)
		}
	}
	return in, nil
}

// Nothing is read that isn't needed: neither columns, nor row groups, nor rows.
func TestOnlyWhatIsNeededIsRead(t *testing.T) {
	dir := t.TempDir()
	storedRows(t, filepath.Join(dir, "in.parquet"), 0)
	p := open(t, dir)
	sums := operators.Derive(operators.Column{Name: "k", Expr: "a + 1"})
	for i, test := range []struct {
		rules []gates.Rule
		ops   []pipeline.Operator
		want  []string
	}{
		{rules: []gates.Rule{{Check: gates.Rows("b * 3 % 7 < 7")}}, want: []string{"0 b", "1 b", "2 b"}},
		{rules: []gates.Rule{{Check: gates.Rows("a >= 0 && b < 10")}, {Check: gates.NotNull("s")}, {Check: gates.Expect("rows() == 600 && nulls(c) == 120")}}},
		{rules: []gates.Rule{{Check: gates.Rows("a < 200 || b % 7 < 7")}}, want: []string{"1 a,b", "2 a,b"}},
		{ops: []pipeline.Operator{operators.Filter("a % 300 == 150"), sums}, want: []string{"0 a", "0 b,c,s of 1", "1 a", "2 a", "2 b,c,s of 1"}},
	} {
		pl := storing(fmt.Sprintf("e%d", i), "in.parquet", test.rules, test.ops...)
		var asks []string
		pl.Sources[0].Source = counted{pl.Sources[0].Source, &sync.Mutex{}, &asks}
		if _, err := p.Run(t.Context(), pl, "all"); err != nil {
			t.Fatal(err)
		}
		if slices.Sort(asks); !slices.Equal(asks, test.want) {
			t.Errorf("%d: asked for\n%s\nwant\n%s", i, strings.Join(asks, "\n"), strings.Join(test.want, "\n"))
		}
	}
}
