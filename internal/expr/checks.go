package expr

import (
	"math"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/penstock-data/penstock/internal/expr/formats"
	"github.com/penstock-data/penstock/internal/expr/vector"
)

// What checks of data ask for is declared in the tables below: of each function there is one
// in Go, which is what cel-go calls and what the kernel does.

// textTests say of a text whether it is of a format.
var textTests = map[string]func(string) bool{
	"is_email": formats.Email, "is_url": formats.URL, "is_ipv4": formats.IPv4, "is_ipv6": formats.IPv6, "is_http_method": formats.HTTPMethod,
	"is_phone": formats.Phone, "is_uuid": formats.UUID, "is_credit_card": formats.CreditCard, "is_ssn": formats.SSN,
	"is_integer": formats.Integer, "is_decimal": formats.Decimal, "is_number": formats.Number, "is_bool": formats.Bool,
	"is_money": formats.Money, "is_percentage": formats.Percentage, "is_date": formats.ISODate,
	"is_blank": formats.Blank, "is_printable": formats.Printable, "is_ascii": formats.ASCII, "is_lower": formats.Lower, "is_upper": formats.Upper,
	"is_json": formats.JSON,
}

// doubleFuncs are those of one double that CEL's math lacks.
var doubleFuncs = map[string]func(float64) float64{"ln": math.Log, "log10": math.Log10, "exp": math.Exp}

// instantParts are parts of an instant in UTC beside those of functions.go. What the kernel
// does is not package time's way, which is its oracle.
var instantParts = map[string]struct {
	of   func(time.Time) int
	part vector.Part
	plus int64
}{
	"second":      {time.Time.Second, vector.Second, 0},
	"weekday":     {weekday, vector.Weekday, 0},
	"day_of_year": {time.Time.YearDay, vector.DayOfYear, 1},
	"week":        {func(t time.Time) int { _, week := t.ISOWeek(); return week }, vector.Week, 0},
	"quarter":     {func(t time.Time) int { return (int(t.Month()) + 2) / 3 }, vector.Quarter, 0},
}

// dayTests are those of the day that an instant is in, in UTC.
var dayTests = map[string]struct {
	of  func(time.Time) bool
	day func(int64) bool
}{
	"is_weekend":      {func(t time.Time) bool { return weekday(t) > 5 }, vector.IsWeekend},
	"is_business_day": {func(t time.Time) bool { return weekday(t) <= 5 }, func(day int64) bool { return !vector.IsWeekend(day) }},
	"is_month_end":    {func(t time.Time) bool { return t.AddDate(0, 0, 1).Day() == 1 }, vector.IsMonthEnd},
}

func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// isMultiple reports whether a is b times a whole number; of 0, only 0 is one.
func isMultiple(a, b int64) bool { return b != 0 && a%b == 0 || a == 0 }

// columnFunc is a function that is done a column at a time, and the kind that it gives.
type columnFunc struct {
	gives  vector.Kind
	kernel vector.Kernel
}

// withChecks adds the functions of the tables to kernels.
func withChecks(all map[string]columnFunc) map[string]columnFunc {
	for name, f := range textTests {
		all[name+"_string"] = columnFunc{vector.Bool, vector.TestTexts(f)}
	}
	for name, f := range doubleFuncs {
		all[name+"_double"] = columnFunc{vector.Double, vector.MapDoubles(f)}
	}
	for name, p := range instantParts {
		all[name+"_timestamp"] = columnFunc{vector.Int, vector.Parts(p.part, p.plus)}
	}
	for name, t := range dayTests {
		all[name+"_timestamp"] = columnFunc{vector.Bool, vector.TestDays(t.day)}
	}
	all["pow_double_double"] = columnFunc{vector.Double, vector.MapTwoDoubles(math.Pow)}
	all["is_multiple_int_int"] = columnFunc{vector.Bool, vector.TestTwoInts(isMultiple)}
	all["type_of_text_string"] = columnFunc{vector.Text, vector.MapTexts(formats.TypeOf)}
	return all
}

// checks declares the functions of the tables.
func checks() []cel.EnvOption {
	opts := []cel.EnvOption{
		text("type_of_text", formats.TypeOf),
		cel.Function("pow", cel.Overload("pow_double_double", []*cel.Type{cel.DoubleType, cel.DoubleType}, cel.DoubleType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return types.Double(math.Pow(float64(a.(types.Double)), float64(b.(types.Double))))
			}))),
		cel.Function("is_multiple", cel.Overload("is_multiple_int_int", []*cel.Type{cel.IntType, cel.IntType}, cel.BoolType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val { return types.Bool(isMultiple(int64(a.(types.Int)), int64(b.(types.Int)))) }))),
	}
	for name, test := range textTests {
		opts = append(opts, unary(name, "string", cel.StringType, cel.BoolType, func(v ref.Val) ref.Val {
			return types.Bool(test(string(v.(types.String))))
		}))
	}
	for name, f := range doubleFuncs {
		opts = append(opts, unary(name, "double", cel.DoubleType, cel.DoubleType, func(v ref.Val) ref.Val {
			return types.Double(f(float64(v.(types.Double))))
		}))
	}
	for name, p := range instantParts {
		opts = append(opts, part(name, p.of))
	}
	for name, test := range dayTests {
		opts = append(opts, unary(name, "timestamp", cel.TimestampType, cel.BoolType, func(v ref.Val) ref.Val {
			return types.Bool(test.of(v.(types.Timestamp).Time.UTC()))
		}))
	}
	for _, p := range prepared {
		opts = append(opts, p.declare())
	}
	return opts
}

func unary(name, of string, from, to *cel.Type, f func(ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_"+of, []*cel.Type{from}, to, cel.UnaryBinding(f)))
}
