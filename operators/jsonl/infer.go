package jsonl

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// inferRows is how many lines types are inferred from.
const inferRows = 10_000

// infer gives the schema of the first lines: columns in the order in which they first
// stand in a line, each of the type that fits all of its values.
func infer(ctx context.Context, l *lines) (*arrow.Schema, error) {
	var fields []arrow.Field
	places := map[string]int{}
	for range inferRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row, err := l.next()
		if err == io.EOF { //nolint:errorlint // identity: next gives it bare
			break
		}
		if err != nil {
			return nil, err
		}
		for _, name := range order(l.scan.Bytes()) {
			i, ok := places[name]
			if !ok {
				i = len(fields)
				places[name] = i
				fields = append(fields, arrow.Field{Name: name, Type: arrow.Null, Nullable: true})
			}
			t, err := typeOf(row[name])
			if err == nil {
				t = common(fields[i].Type, t)
			}
			if t == nil {
				return nil, l.bad("column %q: values of different types, or objects", name).
					With("declare the columns with `schema`")
			}
			fields[i].Type = t
		}
	}
	for i := range fields {
		if fields[i].Type == arrow.Null {
			fields[i].Type = arrow.BinaryTypes.String
		}
	}
	return arrow.NewSchema(fields, nil), nil
}

// order gives the names of an object's fields as they stand in it.
func order(object []byte) (names []string) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return names
		}
		var skip json.RawMessage
		if name, ok := key.(string); ok && dec.Decode(&skip) == nil {
			names = append(names, name)
		}
	}
	return names
}

// typeOf is the type of one value; nil for what has none here.
func typeOf(raw json.RawMessage) (arrow.DataType, error) {
	text := string(bytes.TrimSpace(raw))
	switch {
	case text == "null":
		return arrow.Null, nil
	case text == "true" || text == "false":
		return arrow.FixedWidthTypes.Boolean, nil
	case text[0] == '"':
		return arrow.BinaryTypes.String, nil
	case text[0] == '[':
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, err
		}
		var t arrow.DataType = arrow.Null
		for _, item := range items {
			it, err := typeOf(item)
			if err != nil {
				return nil, err
			}
			if t = common(t, it); t == nil {
				return nil, nil
			}
		}
		return arrow.ListOf(t), nil
	case text[0] == '{':
		return nil, nil
	case strings.ContainsAny(text, ".eE"):
		return arrow.PrimitiveTypes.Float64, nil
	}
	var n int64
	if json.Unmarshal(raw, &n) != nil {
		return arrow.PrimitiveTypes.Float64, nil
	}
	return arrow.PrimitiveTypes.Int64, nil
}

// common is the type that fits both, or nil.
func common(a, b arrow.DataType) arrow.DataType {
	switch {
	case b == nil:
		return nil
	case a.ID() == arrow.NULL:
		return b
	case b.ID() == arrow.NULL, arrow.TypeEqual(a, b):
		return a
	case a.ID() == arrow.INT64 && b.ID() == arrow.FLOAT64:
		return b
	case a.ID() == arrow.FLOAT64 && b.ID() == arrow.INT64:
		return a
	case a.ID() == arrow.LIST && b.ID() == arrow.LIST:
		if t := common(a.(*arrow.ListType).Elem(), b.(*arrow.ListType).Elem()); t != nil {
			return arrow.ListOf(t)
		}
	}
	return nil
}
