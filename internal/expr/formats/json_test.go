package formats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// at follows a path through what encoding/json makes of a text: the oracle.
func at(p Path, s string) (value any, ok bool) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if d.Decode(&value) != nil {
		return nil, false
	}
	for _, step := range p {
		switch v := value.(type) {
		case map[string]any:
			value, ok = v[step.name]
			if step.index >= 0 || !ok {
				return nil, false
			}
		case []any:
			if step.index < 0 || step.index >= len(v) {
				return nil, false
			}
			value = v[step.index]
		default:
			return nil, false
		}
	}
	return value, true
}

func typeName(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return "number"
		}
		return "integer"
	}
	return "null"
}

func checkPath(t *testing.T, path, s string) {
	p, err := NewPath(path)
	if err != nil {
		return
	}
	value, ok := at(p, s)
	ok = ok && JSON(s)
	if got := p.Has(s); got != ok {
		t.Fatalf("%s of %q: %v, want %v", path, s, got, ok)
	}
	if !ok {
		if p.Type(s) != "" {
			t.Fatalf("%s of %q: a type of nothing", path, s)
		}
		return
	}
	if got := p.Type(s); got != typeName(value) {
		t.Fatalf("%s of %q: %s, want %s", path, s, got, typeName(value))
	}
	got, _ := p.Text(s)
	if text, isText := value.(string); isText {
		if got != text {
			t.Fatalf("%s of %q: %q, want %q", path, s, got, text)
		}
		return
	}
	var again any
	d := json.NewDecoder(strings.NewReader(got))
	d.UseNumber()
	if err := d.Decode(&again); err != nil {
		t.Fatalf("%s of %q: %q: %v", path, s, got, err)
	}
	a, _ := json.Marshal(again)
	b, _ := json.Marshal(value)
	if !bytes.Equal(a, b) {
		t.Fatalf("%s of %q: %s, want %s", path, s, a, b)
	}
}

var (
	somePaths = []string{"$", "$.a", "$.a.b[0]", `$["a"]`, `$['a']["b"]`, "$[1][0].c", `$["a\"b"]`, "$.é", "$.a-b", `$[""]`}
	someJSON  = []string{
		`{"a": {"b": [1, 2]}}`, `[1, [{"c": null}]]`, `{"a": 1, "a": 2.5}`, ` { "\u0061" : "x\ny" } `, `{"a\"b": true, "é": [], "a-b": {}, "": -0}`, `"a"`, `{}`, `[]`, `{"a":{"b":{}}}`,
		`[[],[ ] ,{"c":"]"}]`, "{", "", `{"a":"\ud800"}`, `{"x":{"a":1},"a":"}"}`,
	}
)

func TestPaths(t *testing.T) {
	for _, p := range somePaths {
		if _, err := NewPath(p); err != nil {
			t.Error(err)
		}
		for _, s := range someJSON {
			checkPath(t, p, s)
		}
	}
	for path, want := range map[string]string{
		"a.b": `JSON path "a.b" does not begin with $; write it like $.a.b[0]`, "": `JSON path "" does not begin with $; write it like $.a.b[0]`,
		"$..a": `JSON path "$..a": "..a" is no step; steps are .name, ["name"] and [0]`,
		"$[*]": `JSON path "$[*]": "[*]" is no step; steps are .name, ["name"] and [0]`, "$.a[-1]": `JSON path "$.a[-1]": "[-1]" is no step; steps are .name, ["name"] and [0]`,
		"$.": `JSON path "$.": "." is no step; steps are .name, ["name"] and [0]`, `$["a]`: `JSON path "$[\"a]": "[\"a]" is no step; steps are .name, ["name"] and [0]`,
		"$.a b": `JSON path "$.a b": ".a b" is no step; steps are .name, ["name"] and [0]`,
	} {
		if _, err := NewPath(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	for i, s := range someJSON {
		f.Add(somePaths[i%len(somePaths)], s)
	}
	f.Fuzz(checkPath)
}

func TestSchema(t *testing.T) {
	const tree = `{"$defs": {"n": {"anyOf": [{"properties": {"c": {"$ref": "#/$defs/n"}}, "required": ["x"]}, {"properties": {"c": {"$ref": "#/$defs/n"}}, "required": ["y"]}]}}, "$ref": "#/$defs/n"}`
	for _, test := range []struct{ schema, text, want string }{
		{`{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}}`, `{"id": 7}`, "true"},
		{`{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}}`, `{"id": 0}`, "false"},
		{`{"type": "object", "required": ["id"]}`, `{}`, "false"},
		{`{"type": "object"}`, `{`, "false"},
		{`true`, `1`, "true"},
		{`false`, `1`, "false"},
		{`{"$schema": "http://json-schema.org/draft-07/schema#", "items": {"type": "string", "pattern": "^a"}}`, `["a", "b"]`, "false"},
		{`{"$ref": "https://json-schema.org/draft/2020-12/schema"}`, `{"type": "object"}`, "true"},
		{`{"$ref": "https://json-schema.org/draft/2020-12/schema"}`, `{"type": "thing"}`, "false"},
		{`{"multipleOf": 0.01}`, `19.99`, "true"},
		{`{"type": "integer"}`, `1e999999999`, "a number of more than 1000 digits"},
		{`{"uniqueItems": true}`, `[1e99999999999999999999]`, "a number of more than 1000 digits"},
		{`{"const": 1}`, strings.Repeat("1", 2000), "a number of more than 1000 digits"},
		{tree, strings.Repeat(`{"c":`, 5) + "1" + strings.Repeat("}", 5), "false"},
		{tree, strings.Repeat(`{"c":`, 100) + "1" + strings.Repeat("}", 100), errSteps.Error()},
		{`{"type": "array"}`, "[" + strings.Repeat(" ", maxDocument) + "]", "a document of 4194306 bytes; a JSON schema takes at most 4194304"},
	} {
		s, err := NewSchema(test.schema)
		if err != nil {
			t.Errorf("%s: %v", test.schema, err)
			continue
		}
		begun := time.Now()
		is, err := s.Matches(test.text)
		got := fmt.Sprint(is)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s of %.60q: %s, want %s", test.schema, test.text, got, test.want)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s of %.60q took %v", test.schema, test.text, took)
		}
	}
}

func TestSchemaMistakes(t *testing.T) {
	for schema, want := range map[string]string{
		`{`:                                     "the schema is no JSON",
		`{"type": "thing"}`:                     "the JSON schema is not one: at '/type': value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'",
		`{"$ref": "http://example.com/s.json"}`: "the schema refers to http://example.com/s.json: only places within it are possible, like #/$defs/name",
		`{"$ref": "file:///etc/passwd"}`:        "the schema refers to file:///etc/passwd: only places within it are possible, like #/$defs/name",
		`{"$ref": "other.json"}`:                "the schema refers to other.json: only places within it are possible, like #/$defs/name",
		`{"$schema": "http://example.com/s"}`:   "the schema refers to http://example.com/s: only places within it are possible, like #/$defs/name",
		`{"$ref": "#/$defs/a"}`:                 `the JSON schema is not one: json-pointer in "#/$defs/a" not found`,
		`{"$dynamicRef": "#a"}`:                 "the schema has a $dynamicRef: only $ref is possible",
		`{"minimum": 1e9999}`:                   "a number of more than 1000 digits",
		`{"pattern": "("}`:                      "the JSON schema is not one: at '/pattern': '(' is not valid regex: error parsing regexp: missing closing ): `(`",
	} {
		if _, err := NewSchema(schema); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", schema, err, want)
		}
	}
}

func FuzzSchema(f *testing.F) {
	for _, s := range someJSON {
		f.Add(`{"type": "object", "properties": {"a": {"type": "integer"}}}`, s)
	}
	f.Fuzz(func(_ *testing.T, schema, s string) {
		if compiled, err := NewSchema(schema); err == nil {
			compiled.Matches(s)
		}
	})
}
