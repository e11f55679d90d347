package expr

import (
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// A program is made once for a text and a schema, but not one that names a moment.
func TestKnownPrograms(t *testing.T) {
	schema := func(nullable bool) *arrow.Schema {
		return arrow.NewSchema([]arrow.Field{{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: nullable}}, nil)
	}
	compile := func(src string, s *arrow.Schema, at Moments) *Program {
		p, err := CompileAt(src, s, at)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	src := "at.getFullYear() == 2001"
	if a, b := compile(src, schema(true), nil), compile(src, schema(true), nil); a != b {
		t.Error("it was made twice for one schema")
	}
	if a, b := compile(src, schema(true), nil), compile(src, schema(false), nil); a == b || a.Nullable() == b.Nullable() {
		t.Error("one was taken for another schema")
	}
	moments := func(year int) Moments { return Moments{"now": time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)} }
	src = "at < now()"
	if a, b := compile(src, schema(true), moments(2001)), compile(src, schema(true), moments(2002)); a == b {
		t.Error("what it says of one moment was taken for another")
	}
	k := programs{most: 3}
	for _, name := range []string{"a", "b", "c", "d"} {
		k.put(programKey{src: name}, &Program{schema: schema(true)})
	}
	if k.get(programKey{src: "a"}, schema(true)) != nil || k.get(programKey{src: "d"}, schema(true)) == nil || k.n != 1 {
		t.Errorf("%d are known", k.n)
	}
}
