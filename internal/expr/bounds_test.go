package expr

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// What would take all memory or all time is an error, soon and with little memory.
func TestBounds(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: arrow.BinaryTypes.String},
		{Name: "xs", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64)},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64},
		{Name: "re", Type: arrow.BinaryTypes.String},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Field(0).(*array.StringBuilder).Append(strings.Repeat("a", 1<<20))
	b.Field(1).(*array.ListBuilder).Append(true)
	for i := range int64(50_000) {
		b.Field(1).(*array.ListBuilder).ValueBuilder().(*array.Int64Builder).Append(i)
	}
	b.Field(2).(*array.Int64Builder).Append(1 << 40)
	b.Field(3).(*array.StringBuilder).Append(strings.Repeat("(a|b)", 1000))
	one := b.NewRecordBatch()
	defer one.Release()
	var many []arrow.Array
	for _, c := range one.Columns() {
		copies := make([]arrow.Array, 100)
		for i := range copies {
			copies[i] = c
		}
		all, err := array.Concatenate(copies, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		many = append(many, all)
	}
	hundred := array.NewRecordBatch(schema, many, 100)
	defer hundred.Release()

	for _, test := range []struct {
		src   string
		batch arrow.RecordBatch
		want  string
	}{
		{`xs.map(i, s).join("") == ""`, one, "the result would be longer than 16 MiB"},
		{`s.replace("a", s) == ""`, one, "the result would be longer than 16 MiB"},
		{`s.replace("", s) == ""`, one, "the result would be longer than 16 MiB"},
		{`xs.map(i, s + s).size() == 0`, one, "the expression makes more than 64 MiB of one row"},
		{`["\"" + s + "\""].all(j, xs.map(i, json_text(j, "$")).size() == 0)`, one, "of one row|for one batch"},
		{`size(lists.range(n)) > 0`, one, "the list would have more than 1048576 elements"},
		{`size(s.split("")) > 0`, one, "the list would have more than 1048576 elements"},
		{`sets.contains(xs, xs)`, one, "lists of 50000 and 50000 elements are too long to be compared"},
		{`size(xs.distinct()) > 0`, one, "lists of 50000 and 50000 elements are too long to be compared"},
		{`s.matches(re)`, one, "a regular expression of 5000 bytes; at most 1000 are possible"},
		{`regex.replace(s, "a", s) == ""`, one, "the result would be longer than 16 MiB"},
		{`s + s + s + s + s + s + s + s + s + s + s + s + s + s + s + s + s == ""`, one, "the result would be longer than 16 MiB"},
		{`xs.map(i, i * 2).size() == 0`, one, "<nil>"},
		{`xs.all(i, !xs.exists(j, i + j < 0))`, one, "the expression takes longer than 1s for one batch"},
		{`upper(s) + lower(upper(s)) + upper(lower(s)) + s != ""`, hundred, "for one batch|of one batch"},
		{`s + s + s + s`, hundred, "for one batch|of one batch"},
	} {
		p, err := Compile(test.src, schema)
		if err != nil {
			t.Errorf("%s: %v", test.src, err)
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		res, err := p.Eval(t.Context(), test.batch, nil)
		took := time.Since(begun)
		runtime.ReadMemStats(&after)
		if err == nil {
			if len(res.Errs) > 0 {
				err = res.Errs[0].Err
			}
			res.Release()
		}
		if !slices.ContainsFunc(strings.Split(test.want, "|"), func(want string) bool { return strings.Contains(fmt.Sprint(err), want) }) {
			t.Errorf("%s: %v, want %s", test.src, err, test.want)
		}
		if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 1<<30 || took > 10*time.Second {
			t.Errorf("%s: %d MiB, %v", test.src, grown>>20, took)
		}
	}
	for _, src := range []string{`lists.range(100000).all(x, lists.range(100000).all(y, x + y >= 0))`, `rows() > 0 && lists.range(100000).all(x, lists.range(100000).all(y, x + y >= rows()))`} {
		e, err := CompileExpect(src, Vocabulary{Schema: schema, Metrics: metrics})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := e.Eval([]any{int64(-1)}[:len(e.Calls)]); out == True || err == nil && len(e.Calls) == 0 {
			t.Errorf("%s: %v, %v", src, out, err)
		}
	}
	if p, err := Compile(`lists.range(100000).all(x, lists.range(100000).all(y, x + y >= 0)) || n < 0`, schema); err != nil {
		t.Error(err)
	} else if res, err := p.Eval(t.Context(), one, nil); err == nil && len(res.Errs) != 1 {
		t.Errorf("a constant that takes too long: %v, %v", res, err)
	}
	if _, err := Compile(`xs.all(a, xs.all(b, xs.all(c, xs.all(d, a + b + c + d > 0))))`, schema); err == nil || err.Error() != "4 macros within each other; at most 3 are possible" {
		t.Errorf("deep macros: %v", err)
	}
}
