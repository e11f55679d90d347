package expr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Every function of the tables is done a column at a time, by itself and where its second
// argument is a column.
func TestChecksHaveKernels(t *testing.T) {
	batch := overloadBatch(t)
	defer batch.Release()
	seen := 0
	for name, f := range baseEnv().Functions() {
		for _, o := range f.OverloadDecls() {
			_, isKernel := withChecks(map[string]columnFunc{})[o.ID()]
			_, isPrepared := prepared[o.ID()]
			if !isKernel && !isPrepared {
				continue
			}
			seen++
			srcs := []string{strings.ReplaceAll(call(name, o), " + n.substring(0, 1)", "")}
			var args []string
			for i, a := range o.ArgTypes() {
				args = append(args, argument(a)+[]string{"", "2"}[i])
			}
			if o.ID() != "json_matches_string_string" {
				srcs = append(srcs, name+"("+strings.Join(args, ", ")+")")
			}
			for _, src := range srcs {
				p, err := Compile(src, batch.Schema())
				if err != nil {
					t.Errorf("%s: %v", src, err)
					continue
				}
				if all := p.Fallbacks(); len(all) > 0 && !strings.Contains(src, ".substring") {
					t.Errorf("%s: %v", src, all)
				}
			}
		}
	}
	if want := len(textTests) + len(doubleFuncs) + len(instantParts) + len(dayTests) + 3 + len(prepared); seen != want {
		t.Errorf("%d overloads, want %d", seen, want)
	}
}

// What stands in an expression is read when it is compiled.
func TestMistakesInConstants(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{`is_date(s, "YYYY")`, "is_date: layout \"YYYY\" names no part of a date; write it like %Y-%m-%d\n\t| is_date(s, \"YYYY\")\n\t| ...........^"},
		{`i > 0 && json_has(s, "a.b")`, "json_has: JSON path \"a.b\" does not begin with $; write it like $.a.b[0]\n\t| i > 0 && json_has(s, \"a.b\")\n\t| .....................^"},
		{`json_matches(s, "{}" + s)`, "json_matches: its second argument has to stand there as a text\n\t| json_matches(s, \"{}\" + s)\n\t| .....................^"},
		{"json_matches(s,\n '{\"type\": 1}')", "json_matches: the JSON schema is not one: at '/type': value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'\n\t|  '{\"type\": 1}')\n\t| .^"},
		{`json_matches(s, '{"$ref": "http://example.com/a"}')`, "json_matches: the schema refers to http://example.com/a: only places within it are possible, like #/$defs/name\n\t| json_matches(s, '{\"$ref\": \"http://example.com/a\"}')\n\t| ................^"},
	} {
		_, err := Compile(test.src, schema)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", test.src, err, test.want)
		}
	}
	if _, err := CompileExpect(`is_date("x", "YYYY")`, Vocabulary{Schema: schema, Metrics: metrics}); err == nil || !strings.HasPrefix(err.Error(), "is_date: layout") {
		t.Errorf("a statement: %v", err)
	}
}

func TestIsMultiple(t *testing.T) {
	for _, test := range []struct {
		a, b int64
		want bool
	}{{6, 3, true}, {7, 3, false}, {0, 3, true}, {0, 0, true}, {1, 0, false}, {-6, 3, true}, {-1 << 63, -1, true}, {5, -1 << 63, false}} {
		if got := isMultiple(test.a, test.b); got != test.want {
			t.Errorf("%d of %d: %v", test.a, test.b, got)
		}
	}
}

// A function remembers only so many of the texts that it reads, and keeps no batch alive.
func TestRemembered(t *testing.T) {
	reads := 0
	f := remembered(func(s string) (int, error) {
		reads++
		return len(s), nil
	})
	for i := range 3 * maxRemembered {
		s := strings.Repeat("a", i)
		if n, _ := f(s); n != i {
			t.Fatal(n, i)
		}
		f(s)
	}
	if reads != 3*maxRemembered {
		t.Errorf("%d reads", reads)
	}
}

// A text of megabytes is tested in time, by every test.
func TestLongTexts(t *testing.T) {
	for _, text := range []string{strings.Repeat("1", 8<<20), strings.Repeat("[", 8<<20), strings.Repeat("a.", 4<<20), "http://" + strings.Repeat("a@", 4<<20), strings.Repeat(" ", 8<<20), strings.Repeat("\xff", 8<<20), strings.Repeat("1,", 4<<20)} {
		for _, test := range textTests {
			test(text)
		}
		for name, p := range prepared {
			second := map[string]string{"is_date": "%Y", "parse_date": "%-d", "json_matches": "{}"}[p.name]
			if second == "" {
				second = "$.a"
			}
			if v := p.bind(text, second); types.IsError(v) && len(fmt.Sprint(v)) > 200 {
				t.Errorf("%s: %v", name, v)
			}
		}
	}
}

// BenchmarkChecks tests texts that are of their format.
func BenchmarkChecks(b *testing.B) {
	const rows = 64 << 10
	samples := map[string]string{
		"email": "first.last%d@example.com", "url": "https://example.com/a/%d?q=1", "phone": "+49 30 9018%d", "uuid": "01234567-89ab-cdef-0123-4567890%05d", "ip": "10.0.0.%.1s",
		"number": "1%d.5", "day": "2001-03-0%.1s", "doc": `{"id": %d, "name": "somebody", "tags": ["a", "b"]}`, "card": "4111 1111 1111 1111",
	}
	var fields []arrow.Field
	var cols []arrow.Array
	r := rand.New(rand.NewPCG(1, 2))
	for name, sample := range samples {
		texts := array.NewStringBuilder(memory.DefaultAllocator)
		for range rows {
			n := 10_000 + r.IntN(89_999)
			if strings.Contains(sample, "%.1s") {
				texts.Append(fmt.Sprintf(sample, fmt.Sprint(n)))
			} else {
				texts.Append(strings.TrimSuffix(fmt.Sprintf(sample, n), fmt.Sprintf("%%!(EXTRA int=%d)", n)))
			}
		}
		fields, cols = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String}), append(cols, texts.NewArray())
	}
	batch := array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, rows)
	defer batch.Release()
	for _, src := range []string{
		`is_email(email)`, `is_url(url)`, `is_phone(phone)`, `is_uuid(uuid)`, `is_ipv4(ip)`, `is_number(number)`, `is_money(number)`, `is_credit_card(card)`, `is_date(day)`, `is_date(day, "%Y-%m-%d")`, `parse_date(day, "%Y-%m-%d")`,
		`type_of_text(number) == "decimal"`, `is_printable(email)`, `is_lower(email)`, `is_json(doc)`, `json_has(doc, "$.tags[1]")`, `json_text(doc, "$.name") == "somebody"`, `json_matches(doc, '{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}')`,
		`email.matches("^[a-z.0-9]+@[a-z.]+$")`,
	} {
		p, err := Compile(src, batch.Schema())
		if err != nil {
			b.Fatal(err)
		}
		b.Run(src, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				res, err := p.Eval(b.Context(), batch, nil)
				if err != nil {
					b.Fatal(err)
				}
				res.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
