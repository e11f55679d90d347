package expr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// randomSchema has columns of every kind and encoding that expressions read. The first
// letters of the names tell the type: i int, u uint, f double, b bool, s string,
// y bytes, t timestamp, d duration, m decimal.
var randomSchema = func() *arrow.Schema {
	dict := func(index, value arrow.DataType) arrow.DataType {
		return &arrow.DictionaryType{IndexType: index, ValueType: value}
	}
	p, b := arrow.PrimitiveTypes, arrow.BinaryTypes
	var fields []arrow.Field
	for _, f := range []struct {
		name string
		typ  arrow.DataType
	}{
		{"i1", p.Int64},
		{"i2", p.Int64},
		{"i3", p.Int8},
		{"i4", p.Int16},
		{"i5", p.Int32},
		{"i6", dict(p.Int8, p.Int64)},
		{"u1", p.Uint64},
		{"u2", p.Uint8},
		{"u3", p.Uint32},
		{"u4", p.Uint16},
		{"f1", p.Float64},
		{"f2", p.Float64},
		{"f3", p.Float32},
		{"f4", arrow.FixedWidthTypes.Float16},
		{"b1", arrow.FixedWidthTypes.Boolean},
		{"b2", arrow.FixedWidthTypes.Boolean},
		{"s1", b.String},
		{"s2", dict(p.Int32, b.String)},
		{"s3", dict(p.Uint8, b.String)},
		{"s4", b.LargeString},
		{"s5", b.StringView},
		{"s6", arrow.RunEndEncodedOf(p.Int32, b.String)},
		{"y1", b.Binary},
		{"y2", &arrow.FixedSizeBinaryType{ByteWidth: 3}},
		{"t1", arrow.FixedWidthTypes.Timestamp_us},
		{"t2", arrow.FixedWidthTypes.Timestamp_ns},
		{"t3", arrow.FixedWidthTypes.Timestamp_s},
		{"t4", p.Date32},
		{"t5", p.Date64},
		{"t6", arrow.FixedWidthTypes.Timestamp_us},
		{"d1", arrow.FixedWidthTypes.Duration_us},
		{"d2", arrow.FixedWidthTypes.Duration_s},
		{"d3", arrow.FixedWidthTypes.Time32ms},
		{"d4", arrow.FixedWidthTypes.Time64ns},
		{"m1", &arrow.Decimal128Type{Precision: 10, Scale: 2}},
		{"m2", &arrow.Decimal128Type{Precision: 18, Scale: 2}},
		{"m3", &arrow.Decimal128Type{Precision: 30, Scale: 4}},
		{"m4", dict(p.Int16, &arrow.Decimal128Type{Precision: 12, Scale: 3})},
		{"m5", &arrow.Decimal256Type{Precision: 50, Scale: 10}},
	} {
		fields = append(fields, arrow.Field{Name: f.name, Type: f.typ, Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}()

var (
	someInts   = []int64{0, 1, -1, 2, 7, 64, -60, 720, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, 1 << 53}
	someFloats = []float64{0, math.Copysign(0, -1), 1, -1, 1.5, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 5e-324, 1 << 53, 1 << 63, -(1 << 63), 720}
	someTexts  = []string{
		"", "a", "A", "ab", "abc", "b", " a ", "é", "\xff", "a\xc3", "日本", "%", "_", "x.y", "\x00", "LongerThanTwelveBytes", "longerthantwelvebytes", "2001-03-04",
		"12", "-1.5", "1e3", "true", "a@b.example", "http://a.example/?b#c", "::1", "10.0.0.1", "4111 1111 1111 1111", "123-45-6789", "+49 30 901820", "$1,234.50", "12%", "GET", "2001-03-04T05:06Z", "29.02.2000", "%Y-%m-%d", "%d.%m.%Y", "$", "$.a", "$.a[0]",
		"{}", `{"a": [1, "b"], "c": null}`, `{"a": "é"}`, "[1, 2", "01234567-89ab-cdef-0123-456789abcdef",
	}
	someTimes = []int64{0, 1, -1, 978_307_200, 983_682_360, -62_135_596_800, 253_402_300_799, 951_782_400, 68_169_600, -2_203_891_200}
)

// random makes rows and expressions.
type random struct{ *rand.Rand }

func pick[T any](r random, from []T) T { return from[r.IntN(len(from))] }

// array makes an array of n rows; one in nulls of them is null.
func (r random) array(t arrow.DataType, n, nulls int, alloc memory.Allocator) arrow.Array {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		size := 1 + r.IntN(20)
		values := r.array(t.ValueType, size, nulls, alloc)
		defer values.Release()
		b := array.NewBuilder(alloc, t.IndexType)
		defer b.Release()
		for range n {
			if r.IntN(nulls) == 0 {
				b.AppendNull()
			} else if err := b.AppendValueFromString(strconv.Itoa(r.IntN(size))); err != nil {
				panic(err)
			}
		}
		indexes := b.NewArray()
		defer indexes.Release()
		return array.NewDictionaryArray(t, indexes, values)
	case *arrow.RunEndEncodedType:
		var ends []int32
		for at := 0; at < n; {
			at = min(at+1+r.IntN(50), n)
			ends = append(ends, int32(at))
		}
		values := r.array(t.Encoded(), len(ends), nulls, alloc)
		defer values.Release()
		b := array.NewInt32Builder(alloc)
		defer b.Release()
		b.AppendValues(ends, nil)
		runs := b.NewArray()
		defer runs.Release()
		return array.NewRunEndEncodedArray(runs, values, n, 0)
	}
	b := array.NewBuilder(alloc, t)
	defer b.Release()
	narrow := r.IntN(2) == 0 // mostly few values
	for range n {
		if r.IntN(nulls) == 0 {
			b.AppendNull()
			continue
		}
		r.value(b, narrow)
	}
	return b.NewArray()
}

func (r random) value(b array.Builder, narrow bool) {
	whole := pick(r, someInts)
	if !narrow && r.IntN(2) == 0 {
		whole = r.Int64N(2000) - 1000
	}
	double := pick(r, someFloats)
	if !narrow {
		double = r.NormFloat64() * 1000
	}
	second := pick(r, someTimes)
	if !narrow {
		second += r.Int64N(100_000_000)
	}
	switch b := b.(type) {
	case *array.Int8Builder:
		b.Append(int8(whole))
	case *array.Int16Builder:
		b.Append(int16(whole))
	case *array.Int32Builder:
		b.Append(int32(whole))
	case *array.Int64Builder:
		b.Append(whole)
	case *array.Uint8Builder:
		b.Append(uint8(whole))
	case *array.Uint16Builder:
		b.Append(uint16(whole))
	case *array.Uint32Builder:
		b.Append(uint32(whole))
	case *array.Uint64Builder:
		b.Append(uint64(whole))
	case *array.Float16Builder:
		b.Append(float16.New(float32(double)))
	case *array.Float32Builder:
		b.Append(float32(double))
	case *array.Float64Builder:
		b.Append(double)
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.StringBuilder:
		b.Append(pick(r, someTexts))
	case *array.LargeStringBuilder:
		b.Append(pick(r, someTexts))
	case *array.StringViewBuilder:
		b.Append(pick(r, someTexts))
	case *array.BinaryBuilder:
		b.Append([]byte(pick(r, someTexts)))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte((pick(r, someTexts) + "   ")[:3]))
	case *array.Date32Builder:
		b.Append(arrow.Date32(second / 86400))
	case *array.Date64Builder:
		b.Append(arrow.Date64(second / 86400 * 86_400_000))
	case *array.TimestampBuilder:
		unit := b.Type().(*arrow.TimestampType).Unit
		if r.IntN(50) == 0 {
			b.Append(arrow.Timestamp(pick(r, someInts)))
		} else {
			b.Append(arrow.Timestamp(second*int64(1e9/unit.Multiplier()) + int64(r.IntN(2))))
		}
	case *array.Time32Builder:
		b.Append(arrow.Time32(r.IntN(86_400_000)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(r.Int64N(86_400_000_000_000)))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(whole))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(whole % 10_000_000_000))
	case *array.Decimal256Builder:
		b.Append(decimal256.FromI64(whole))
	default:
		panic(b.Type().String())
	}
}

// batch makes a slice of a longer batch.
func (r random) batch(rows int, alloc memory.Allocator) arrow.RecordBatch {
	nulls := []int{3, 10, 1 << 30}[r.IntN(3)]
	before, after := r.IntN(70), r.IntN(3)
	var cols []arrow.Array
	for _, f := range randomSchema.Fields() {
		col := r.array(f.Type, before+rows+after, nulls, alloc)
		defer col.Release()
		cols = append(cols, col)
	}
	whole := array.NewRecordBatch(randomSchema, cols, int64(before+rows+after))
	defer whole.Release()
	return whole.NewSlice(int64(before), int64(before+rows))
}

// expression makes an expression of a type, named by its letter.
func (r random) expression(kind byte, depth int) string {
	if depth <= 0 || r.IntN(6) == 0 {
		return r.leaf(kind)
	}
	sub := func(k byte) string { return r.expression(k, depth-1-r.IntN(2)) }
	form := pick(r, forms[kind])
	if r.IntN(8) == 0 {
		form = pick(r, []string{"(B ? K : K)", "coalesce(K, K)", "coalesce(K, K, K)", "(B ? K : K)"})
	}
	var out strings.Builder
	for i := 0; i < len(form); i++ {
		switch c := form[i]; {
		case c == 'K':
			out.WriteString(sub(kind))
		case c == '#': // a constant
			i++
			out.WriteString(r.constant(form[i] + 'a' - 'A'))
		case c == '\'': // as it is
			for i++; form[i] != '\''; i++ {
				out.WriteByte(form[i])
			}
		case c >= 'A' && c <= 'Z':
			out.WriteString(sub(c + 'a' - 'A'))
		default:
			out.WriteByte(c)
		}
	}
	return "(" + out.String() + ")"
}

// forms are what expressions are made of; a capital letter stands for an expression of
// a type, and after # for a constant.
var forms = map[byte][]string{
	'b': {
		"I < I", "I <= #I", "#I > I", "I == I", "I != #I", "U < U", "U >= #U", "U == U", "F < F", "F <= #F", "F == F", "F != F",
		"I < F", "F >= I", "U > F", "F <= U", "I < U", "U <= I", "S == S", "S != #S", "S < S", "S >= #S", "Y == Y", "Y < Y",
		"M < M", "M <= #M", "#M < M", "M == #M", "M != M", "(M == null)", "M >= #M && M < #M", "T < T", "T >= #T", "T == #T", "#T != T", "T > T", "D < D", "D == #D", "B == B", "B < B", "B != B",
		"(K && K)", "(K || K)", "(K && K && K)", "!(K)", "(K || K || K)", "(I == null)", "(S != null)", "(F == null || K)", "(T != null && K)",
		"I in [#I, #I, #I]", "S in [#S, #S]", "!(S in [#S])", "U in [#U, #U]", "in_list(S, [#S, #S, #S])", "F in [#F, #F]", "I in [I, I]",
		"(S).'startsWith'(#S)", "(S).'endsWith'(S)", "(S).'contains'(#S)", "(S).'matches'('\"^[a-z]+$\"')", "(S).'matches'('\"é|b\"')", "like(S, '\"a%\"')", "like(S, '\"_b%c\"')",
		"is_email(S)", "is_url(S)", "is_phone(S)", "is_uuid(S)", "is_ipv4(S)", "is_ipv6(S)", "is_credit_card(S)", "is_ssn(S)", "is_http_method(S)", "is_money(S)", "is_percentage(S)", "is_integer(S)", "is_decimal(S)", "is_number(S)",
		"is_bool(S)", "is_blank(S)", "is_printable(S)", "is_ascii(S)", "is_lower(S)", "is_upper(S)", "is_json(S)", "is_date(S)", `is_date(S, '"%d.%m.%Y"')`, "is_date(S, coalesce(S))", "json_has(S, '\"$.a\"')", "json_has(S, coalesce(S))",
		`json_matches(S, '"{\"type\": \"object\", \"required\": [\"a\"]}"')`, `(json_type(S, '"$.a[0]"') == S)`, "is_weekend(T)", "is_business_day(T)", "is_month_end(T)", "is_multiple(I, I)", "is_multiple(I, #I)", `parse_date(S, '"%Y-%m-%d"') < T`,
		"'is_nan'(F)", "'math.isFinite'(F)", "'is_nan'(F / F)", "(I / I) > #I", "(#I / I) == I", "(I % I) != I", "S < S",
	},
	'i': {
		"(I + I)", "(I - #I)", "(I * I)", "(I / I)", "(I % #I)", "(I % I)", "-(I)", "'abs'(I)", "'size'(S)", "(S).'size'()", "'size'(Y)", "'int'(F)", "'int'(M)", "'int'(U)", "'int'(I)",
		"'year'(T)", "'month'(T)", "'day'(T)", "'hour'(T)", "'minute'(T)", "(T).'getFullYear'()", "(T).'getMonth'()", "(T).'getDayOfYear'()", "(T).'getDayOfMonth'()",
		"(T).'getDate'()", "(T).'getDayOfWeek'()", "(T).'getHours'()", "(T).'getSeconds'()", "(T).'getMilliseconds'()", "'math.abs'(I)", "'math.greatest'(I, I)", "(D).'getHours'()",
		"(S).'indexOf'(#S)", "'int'(T)", "second(T)", "weekday(T)", "day_of_year(T)", "week(T)", "quarter(T)",
	},
	'u': {"(U + U)", "(U - U)", "(U * #U)", "(U / U)", "(U % U)", "'uint'(I)", "'uint'(U)", "'uint'(F)"},
	'f': {
		"(F + F)", "(F - #F)", "(F * F)", "(F / F)", "-(F)", "'abs'(F)", "'round'(F)", "'double'(I)", "'double'(U)", "'double'(M)", "'math.ceil'(F)", "'math.floor'(F)", "'math.trunc'(F)",
		"'math.sqrt'(F)", "'math.round'(F)", "ln(F)", "log10(F)", "exp(F)", "pow(F, F)", "pow(F, #F)",
	},
	's': {"(S + S)", "(S + #S)", "'lower'(S)", "'upper'(S)", "'trim'(S)", "'string'(I)", "'string'(M)", "'string'(B)", "(S).'replace'(#S, #S)", "(S).'substring'(1)", "(S).'charAt'(0)", "type_of_text(S)", `json_text(S, '"$.a"')`, "json_text(S, coalesce(S))", `json_type(S, '"$.c"')`},
	'y': {"(Y + Y)", "'bytes'(S)"},
	't': {"'date_trunc'('\"month\"', T)", "'date_trunc'('\"year\"', T)", "'date_trunc'('\"week\"', T)", "'date_trunc'('\"quarter\"', T)", "'date_trunc'('\"day\"', T)", "'date_trunc'('\"hour\"', T)", "'date_trunc'('\"minute\"', T)", "(T + D)", "(T - D)", "'timestamp'(T)", `parse_date(S, '"%Y-%m-%d"')`, "parse_date(S, coalesce(S))"},
	'm': {"(M + M)", "(M - #M)", "(M * #M)", "-(M)", "'abs'(M)", "'round'(M, 1)", "'decimal'(I)", "'decimal'(S)"},
	'd': {"(D + D)", "(D - D)", "(T - T)", "(T - #T)", "'duration'(D)"},
}

func (r random) leaf(kind byte) string {
	if r.IntN(4) == 0 {
		return r.constant(kind)
	}
	var names []string
	for _, f := range randomSchema.Fields() {
		if f.Name[0] == kind {
			names = append(names, f.Name)
		}
	}
	return pick(r, names)
}

func (r random) constant(kind byte) string {
	switch kind {
	case 'i':
		if i := pick(r, someInts); i > math.MinInt64 {
			return fmt.Sprint(i)
		}
		return "-9223372036854775807"
	case 'u':
		return fmt.Sprintf("%du", uint64(pick(r, someInts)))
	case 'f':
		if f := pick(r, someFloats); !math.IsNaN(f) && !math.IsInf(f, 0) && f != 0 {
			return strconv.FormatFloat(f, 'e', -1, 64)
		}
		return pick(r, []string{"0.0", "-0.0", "0.5", "(0.0 / 0.0)", "(1.0 / 0.0)"})
	case 'b':
		return pick(r, []string{"true", "false", "(1 / 0 == 1)"})
	case 's':
		return strconv.QuoteToASCII(strings.ToValidUTF8(pick(r, someTexts), "?"))
	case 'y':
		return pick(r, []string{`b""`, `b"a"`, `b"abc"`, `b"\xff"`})
	case 'm':
		return `decimal("` + pick(r, []string{"0", "0.5", "-1.25", "100", "720.00", "7.001", "99999999999999999999.5", "-1e30", "92233720368547758.07"}) + `")`
	case 't':
		return pick(r, []string{`timestamp("2001-03-04T05:06:00Z")`, `timestamp("1970-01-01T00:00:00.0000005Z")`, `timestamp("0001-01-01T00:00:00Z")`, `timestamp("9999-12-31T23:59:59.999999999Z")`, `timestamp("2001-01-01T00:00:00Z")`})
	}
	return pick(r, []string{`duration("0s")`, `duration("1s")`, `duration("-36h")`, `duration("0.5ms")`, `duration("100000h")`})
}
