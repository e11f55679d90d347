package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// JoinOptions say how two inputs are joined.
type JoinOptions struct {
	// Kind is inner (the default), left, full, semi or anti.
	Kind string
	// On names the columns that must be equal: "iata" where both sides call it so, or
	// "origin = iata", left and right. Null equals nothing.
	On []string
	// Suffix is added to the names of right columns that the left has too, other than
	// those joined on under one name; empty: "_right".
	Suffix string
}

var joinKinds = map[string]string{
	"": "JOIN", "inner": "JOIN", "left": "LEFT JOIN", "full": "FULL JOIN", "semi": "SEMI JOIN", "anti": "ANTI JOIN",
}

// Join brings the rows of two inputs together. The rows come in the order of the left
// input, for each in the order of the right; of a full join, right rows without match
// come last. A semi or anti join gives the left columns alone.
//
//	Join(left, right, options) → left columns + right columns
func Join(o JoinOptions) pipeline.Operator { return join(o) }

type join JoinOptions

func (o join) String() string {
	kind := o.Kind
	if kind == "" {
		kind = "inner"
	}
	text := fmt.Sprintf("join %s on %s", kind, strings.Join(o.On, ", "))
	if o.Suffix != "" {
		text += " suffix " + o.Suffix
	}
	return text
}

func (o join) Bind(in ...*arrow.Schema) (*pipeline.Bound, error) {
	if len(in) != 2 {
		return nil, pipeline.Errorf(pipeline.Invalid, "join takes two inputs, found %d", len(in))
	}
	keyword, ok := joinKinds[o.Kind]
	if !ok {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("kind of join", o.Kind, []string{"inner", "left", "full", "semi", "anti"}))
	}
	keys, err := o.keys(in[0], in[1])
	if err != nil {
		return nil, err
	}
	var on []string
	for _, k := range keys {
		on = append(on, fmt.Sprintf("l.%s = r.%s", quote(k[0]), quote(k[1])))
	}
	both := o.Kind != "semi" && o.Kind != "anti"
	order := "l." + rowID(in[0])
	if both {
		order = fmt.Sprintf("%s NULLS LAST, r.%s NULLS LAST", order, rowID(in[1]))
	}
	columns := o.columns(keys, in[0], in[1])
	query := func(places ...string) string {
		return fmt.Sprintf("SELECT %s FROM l %s r ON %s ORDER BY %s",
			strings.Join(append(columns, places...), ", "), keyword, strings.Join(on, " AND "), order)
	}
	st := &statement{query: query(), inputs: []string{"l", "r"}, schema: in, ordered: true, numbered: true}
	b, err := st.bind(nil)
	if err != nil {
		return nil, err
	}
	b.Origins = o.origins(keys, in[0], in[1])
	b.Carry = func(in ...*arrow.Schema) (*pipeline.Bound, error) {
		places := placesOf("l", in[0], 0)
		if both {
			places = append(places, placesOf("r", in[1], len(places))...)
		}
		return st.wide(b, query(places...), in, len(places)), nil
	}
	return b, nil
}

func (o join) keys(left, right *arrow.Schema) (keys [][2]string, err error) {
	if len(o.On) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "join: on which columns?")
	}
	for _, on := range o.On {
		l, r, two := strings.Cut(on, "=")
		if !two {
			r = l
		}
		key := [2]string{strings.TrimSpace(l), strings.TrimSpace(r)}
		for i, schema := range []*arrow.Schema{left, right} {
			if !schema.HasField(key[i]) {
				return nil, pipeline.Errorf(pipeline.Invalid, "join: %s (in the %s input)",
					pipeline.Unknown("column", key[i], pipeline.ColumnNames(schema)), []string{"left", "right"}[i])
			}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// columns are the select list: one column for a key that both sides call the same.
func (o join) columns(keys [][2]string, left, right *arrow.Schema) []string {
	shared := func(name string) bool {
		return slices.ContainsFunc(keys, func(k [2]string) bool { return k[0] == name && k[1] == name })
	}
	var cols []string
	for _, f := range left.Fields() {
		if o.Kind == "full" && shared(f.Name) {
			cols = append(cols, fmt.Sprintf("coalesce(l.%[1]s, r.%[1]s) AS %[1]s", quote(f.Name)))
		} else {
			cols = append(cols, "l."+quote(f.Name))
		}
	}
	if o.Kind == "semi" || o.Kind == "anti" {
		return cols
	}
	suffix := o.Suffix
	if suffix == "" {
		suffix = "_right"
	}
	for _, f := range right.Fields() {
		switch {
		case shared(f.Name):
		case left.HasField(f.Name):
			cols = append(cols, fmt.Sprintf("r.%s AS %s", quote(f.Name), quote(f.Name+suffix)))
		default:
			cols = append(cols, "r."+quote(f.Name))
		}
	}
	return cols
}
