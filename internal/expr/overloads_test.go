package expr

import (
	"os"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// overloadRows have a column for each type of CEL; the last row is null.
const overloadRows = `[
	{"i":7,"i2":2,"u":7,"u2":2,"f":1.5,"f2":-2.5,"b":true,"b2":false,"s":"Abc","s2":"b","n":"12","y":"QWJj","y2":"Yg==","t":983682367008000,"t2":983682360000000,"d":3723004000,"d2":-1,"m":"1.25","m2":"-3.10","xi":[3,1,2],"xs":["b","a"],"k":[{"key":"b","value":1}]},
	{"i":-9223372036854775808,"i2":-1,"u":0,"u2":3,"f":-0.0,"f2":"NaN","b":false,"b2":false,"s":"","s2":"","n":"x","y":"","y2":"/w==","t":-1,"t2":-1,"d":0,"d2":9223372036854775,"m":"0","m2":"0","xi":[],"xs":[],"k":[]},
	{"i":9223372036854775807,"i2":0,"u":18446744073709551615,"u2":0,"f":"+Inf","f2":0.5,"b":true,"b2":true,"s":"日本 é","s2":"本","n":"-1.5","y":"6Q==","y2":"6Q==","t":253402300799999999,"t2":0,"d":-1,"d2":-1,"m":"99999999.99","m2":"99999999.99","xi":[5,null],"xs":[null],"k":[{"key":"日","value":null}]},
	{"i":null,"i2":null,"u":null,"u2":null,"f":null,"f2":null,"b":null,"b2":null,"s":null,"s2":null,"n":null,"y":null,"y2":null,"t":null,"t2":null,"d":null,"d2":null,"m":null,"m2":null,"xi":null,"xs":null,"k":null}]`

func overloadBatch(t *testing.T) arrow.RecordBatch {
	p, money := arrow.PrimitiveTypes, &arrow.Decimal128Type{Precision: 10, Scale: 2}
	column := map[string]arrow.DataType{
		"i": p.Int64, "u": p.Uint64, "f": p.Float64, "b": arrow.FixedWidthTypes.Boolean, "s": arrow.BinaryTypes.String, "n": arrow.BinaryTypes.String,
		"y": arrow.BinaryTypes.Binary, "t": arrow.FixedWidthTypes.Timestamp_us, "d": arrow.FixedWidthTypes.Duration_us, "m": money,
	}
	var fields []arrow.Field
	for _, name := range strings.Fields("i i2 u u2 f f2 b b2 s s2 n y y2 t t2 d d2 m m2") {
		fields = append(fields, arrow.Field{Name: name, Type: column[name[:1]], Nullable: true})
	}
	fields = append(fields, arrow.Field{Name: "xi", Type: arrow.ListOf(p.Int64), Nullable: true}, arrow.Field{Name: "xs", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		arrow.Field{Name: "k", Type: arrow.MapOf(arrow.BinaryTypes.String, p.Int64), Nullable: true})
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(fields, nil), strings.NewReader(overloadRows))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// written are the expressions for overloads whose arguments have to be of some form.
var written = map[string]string{
	"matches": `matches(s, "^[A-Z]")`, "matches_string": `s.matches("b$|é")`, "date_trunc": `date_trunc("hour", t)`, "string_format": `"%s %d".format([s, i])`,
	"string_to_timestamp": `timestamp(n) == t`, "string_to_duration": `duration(n + "s")`, "string_to_int64": `int(n)`, "string_to_uint64": `uint(n)`,
	"string_to_double": `double(n)`, "string_to_decimal": `round(decimal(n), 3)`, "decimal_to_decimal": `decimal(m) == m`, "string_to_bool": `bool(n)`, "round_decimal": `round(m, 1)`,
	"like_string": `like(s, "%b_")`, "regex_extract_string_string": `regex.extract(s, "[a-z]").orValue("none")`, "regex_extractAll_string_string": `regex.extractAll(s, "[a-z]").join("|")`,
	"regex_replace_string_string_string": `regex.replace(s, "[a-z]", "<\\0>")`, "regex_replace_string_string_string_int": `regex.replace(s, "[a-z]", "-", 1)`,
	"base64_decode_string": `base64.decode(n)`, "lists_range": `size(lists.range(i2))`, "list_join_string": `xs.join("-")`, "list_flatten": `size([xi, xi].flatten())`,
	"list_flatten_int": `size([xi, xi].flatten(1))`, "list_slice": `xi.slice(0, 1).size()`, "index_map": `k["b"]`, "in_map": `"b" in k`, "index_list": `xi[0]`, "to_dyn": `dyn(i) == 7`,
	"type": `type(i) == int`, "conditional": `b ? i : i2`, "in_list": `i2 in xi`, "in_list_of": `in_list(i2, [2, 0])`, "@is_null": `i == null`, "is_null": `s == null`,
	"optional_none": `optional.none().orValue(i)`, "optional_unwrap": `optional.unwrap([optional.of(i)]).size()`, "optional_unwrapOpt": `[optional.of(i)].unwrapOpt().size()`,
	"optional_or_optional": `optional.of(i).or(optional.of(i2)).value()`, "optional_hasValue_value": `optional.of(i).hasValue(i2)`, "list_optindex_optional_int": `xi[?0].orValue(-1)`,
	"map_optindex_optional_value": `k[?"b"].orValue(-1)`, "optional_list_optindex_optional_int": `optional.of(xi)[?0].orValue(-1)`, "optional_map_optindex_optional_value": `optional.of(k)[?"b"].orValue(-1)`,
	"optional_list_index_int": `optional.of(xi)[0].orValue(-1)`, "optional_map_index_value": `optional.of(k)["b"].orValue(-1)`,
	"list_sets_contains_list": `sets.contains(xi, [1, 2])`,
	"is_email_string":         `is_email(s + "@example.com")`, "is_url_string": `is_url("http://example.com/" + s)`, "is_ipv4_string": `is_ipv4(n + ".0.0.1")`, "is_ipv6_string": `is_ipv6("::" + s2)`,
	"is_phone_string": `is_phone(n + "3 45-67890")`, "is_uuid_string": `is_uuid("01234567-89ab-cdef-0123-456789abcd" + n)`,
	"is_credit_card_string": `is_credit_card("4111 1111 1111 1111" + s2)`, "is_ssn_string": `is_ssn(n + "3-45-6789")`, "is_http_method_string": `is_http_method(s + "GET")`,
	"is_money_string": `is_money("$" + n)`, "is_percentage_string": `is_percentage(n + "%")`, "is_integer_string": `is_integer(n)`, "is_decimal_string": `is_decimal(n)`, "is_number_string": `is_number(n + "e1")`,
	"is_bool_string": `is_bool(n.substring(0, 1))`, "is_json_string": `is_json(n)`, "is_date_string": `is_date("2001-03-" + n)`, "is_date_string_string": `is_date(n, "%d")`, "parse_date_string_string": `parse_date(n, "%d")`,
	"json_has_string_string": `json_has("{\"a\": " + n + "}", "$.a")`, "json_text_string_string": `json_text("{\"a\": " + n + "}", "$.a")`, "json_type_string_string": `json_type("[" + n + "]", "$[0]")`,
	"json_matches_string_string": `json_matches(n, "{\"type\": \"integer\"}")`, "type_of_text_string": `type_of_text(n)`, "pow_double_double": `pow(f, f2)`, "is_multiple_int_int": `is_multiple(i, i2)`,
}

// internal are the overloads that no expression can name.
var internal = []string{"not_strictly_false", "__not_strictly_false__", "select_optional_field"}

// call writes a call of an overload with columns as its arguments.
func call(name string, o *decls.OverloadDecl) string {
	if text, ok := written[o.ID()]; ok {
		return text
	}
	var args []string
	seen := map[string]int{}
	for _, a := range o.ArgTypes() {
		arg := argument(a)
		if seen[arg]++; seen[arg] == 2 && len(arg) == 1 {
			arg += "2"
		}
		args = append(args, arg)
	}
	if strings.HasSuffix(o.ID(), "_tz") {
		args[1] = `"Europe/Oslo"`
	}
	name = strings.NewReplacer("math.@max", "math.greatest", "math.@min", "math.least").Replace(name)
	if op, ok := operators.FindReverse(name); ok && op != "" {
		if len(args) == 1 {
			return op + args[0]
		}
		return args[0] + " " + op + " " + args[1]
	}
	if o.IsMemberFunction() {
		return args[0] + "." + name + "(" + strings.Join(args[1:], ", ") + ")"
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

func argument(t *types.Type) string {
	switch t.Kind() {
	case types.IntKind:
		return "i"
	case types.UintKind:
		return "u"
	case types.DoubleKind:
		return "f"
	case types.BoolKind:
		return "b"
	case types.StringKind:
		return "s"
	case types.BytesKind:
		return "y"
	case types.TimestampKind:
		return "t"
	case types.DurationKind:
		return "d"
	case types.StructKind:
		return "m"
	case types.MapKind:
		return "k"
	case types.ListKind:
		switch of := argument(t.Parameters()[0]); of {
		case "s":
			return "xs"
		case "i":
			return "xi"
		default:
			return "[" + of + ", " + of + "]"
		}
	case types.OpaqueKind:
		return "optional.of(i)"
	}
	return "i"
}

// TestOverloads evaluates every overload of every function and operator on values of its
// types, on the least, on the greatest and on null. The outcomes are cel-go's, and are in
// testdata/overloads.txt to be read.
func TestOverloads(t *testing.T) {
	batch := overloadBatch(t)
	defer batch.Release()
	var lines []string
	functions := baseEnv().Functions()
	var names []string
	for name := range functions {
		if name != "_in_" && name != "in" && name != "@sortByAssociatedKeys" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, o := range functions[name].OverloadDecls() {
			if slices.Contains(internal, o.ID()) {
				continue
			}
			src := call(name, o)
			p, err := Compile(src, batch.Schema())
			if err != nil && strings.Contains(err.Error(), "no column type") {
				src = asColumn(src, o)
				p, err = Compile(src, batch.Schema())
			}
			if err != nil {
				t.Errorf("%s: %s: %v", o.ID(), src, err)
				continue
			}
			lines = append(lines, o.ID()+"\t"+src+"\t"+outcomes(t, p, batch))
		}
	}
	compareFile(t, "testdata/overloads.txt", strings.Join(lines, "\n")+"\n")
}

// asColumn makes of an expression something that a column can hold.
func asColumn(src string, o *decls.OverloadDecl) string {
	switch o.ResultType().Kind() {
	case types.ListKind, types.MapKind:
		return "size(" + src + ")"
	case types.OpaqueKind:
		return "(" + src + ").hasValue()"
	}
	return "(" + src + ") == 7"
}

// outcomes are those of all rows, which have to be cel-go's.
func outcomes(t *testing.T, p *Program, batch arrow.RecordBatch) string {
	res, err := p.Eval(t.Context(), batch, nil)
	if err != nil {
		t.Fatalf("%s: %v", p.Source(), err)
	}
	defer res.Release()
	byRow, err := p.EvalRows(t.Context(), batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer byRow.Release()
	errs, rowErrs := map[int]error{}, map[int]error{}
	for _, e := range res.Errs {
		errs[e.Row] = e.Err
	}
	for _, e := range byRow.Errs {
		rowErrs[e.Row] = e.Err
	}
	var all []string
	for row := range int(batch.NumRows()) {
		got, want := outcome(res, errs, row), outcome(byRow, rowErrs, row)
		if got != want {
			t.Errorf("%s: row %d: %s, cel-go says %s", p.Source(), row, got, want)
		}
		all = append(all, got)
	}
	return strings.Join(all, "\t")
}

func compareFile(t *testing.T, path, got string) {
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	is, was := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(is), len(was)) {
		if i >= len(is) || i >= len(was) || is[i] != was[i] {
			t.Fatalf("%s:%d: differs; -rewrite writes it anew\n got %v\nwant %v", path, i+1, at(is, i), at(was, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}
