package expr

import (
	"math"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// isNull is what x == null is rewritten to. It can't be written by users.
const isNull = "@is_null"

// ourFunctions declares what data people expect and CEL lacks.
func ourFunctions() cel.EnvOption {
	opts := []cel.EnvOption{
		cel.Function(isNull, cel.Overload("is_null", []*cel.Type{cel.DynType}, cel.BoolType, cel.OverloadIsNonStrict(),
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				if types.IsError(v) {
					return v
				}
				return types.Bool(types.IsUnknown(v) || v.Type() == types.NullType)
			}))),
		text("lower", strings.ToLower), text("upper", strings.ToUpper), text("trim", strings.TrimSpace),
		cel.Function("like", cel.Overload("like_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(s, pattern ref.Val) ref.Val {
				return types.Bool(vector.Like(string(pattern.(types.String)))(string(s.(types.String))))
			}))),
		cel.Function("in_list", cel.Overload("in_list_of", []*cel.Type{cel.TypeParamType("T"), cel.ListType(cel.TypeParamType("T"))}, cel.BoolType,
			cel.BinaryBinding(func(x, list ref.Val) ref.Val { return list.(traits.Container).Contains(x) }))),
		cel.Function("abs",
			cel.Overload("abs_int", []*cel.Type{cel.IntType}, cel.IntType, cel.UnaryBinding(func(v ref.Val) ref.Val {
				if n := v.(types.Int); n < 0 {
					return n.Negate()
				}
				return v
			})),
			cel.Overload("abs_double", []*cel.Type{cel.DoubleType}, cel.DoubleType, cel.UnaryBinding(func(v ref.Val) ref.Val {
				return types.Double(math.Abs(float64(v.(types.Double))))
			}))),
		cel.Function("round", cel.Overload("round_double", []*cel.Type{cel.DoubleType}, cel.DoubleType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Double(math.Round(float64(v.(types.Double)))) }))),
		cel.Function("is_nan", cel.Overload("is_nan_double", []*cel.Type{cel.DoubleType}, cel.BoolType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(math.IsNaN(float64(v.(types.Double)))) }))),
		part("year", time.Time.Year),
		part("month", func(t time.Time) int { return int(t.Month()) }),
		part("day", time.Time.Day), part("hour", time.Time.Hour), part("minute", time.Time.Minute),
		cel.Function("date_trunc", cel.Overload("date_trunc", []*cel.Type{cel.StringType, cel.TimestampType}, cel.TimestampType,
			cel.BinaryBinding(truncate))),
	}
	return func(e *cel.Env) (*cel.Env, error) {
		for _, opt := range slices.Concat(opts, []cel.EnvOption{coalesce()}, decimals(), checks()) {
			var err error
			if e, err = opt(e); err != nil {
				return nil, err
			}
		}
		return e, nil
	}
}

func text(name string, f func(string) string) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_string", []*cel.Type{cel.StringType}, cel.StringType,
		cel.UnaryBinding(func(v ref.Val) ref.Val { return types.String(f(string(v.(types.String)))) })))
}

func part(name string, f func(time.Time) int) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_timestamp", []*cel.Type{cel.TimestampType}, cel.IntType,
		cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Int(f(v.(types.Timestamp).Time.UTC())) })))
}

func truncate(unit, at ref.Val) ref.Val {
	t := at.(types.Timestamp).Time.UTC()
	y, m, d := t.Date()
	switch string(unit.(types.String)) {
	case "year":
		t = time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
	case "quarter":
		t = time.Date(y, (m-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	case "week":
		t = time.Date(y, m, d-weekday(t)+1, 0, 0, 0, 0, time.UTC)
	case "month":
		t = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	case "day":
		t = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	case "hour":
		t = t.Truncate(time.Hour)
	case "minute":
		t = t.Truncate(time.Minute)
	default:
		return types.NewErr("date_trunc: unknown unit %q; known are year, quarter, month, week, day, hour, minute", unit)
	}
	return types.Timestamp{Time: t}
}

// maxCoalesce is how many arguments coalesce takes.
const maxCoalesce = 8

func coalesce() cel.EnvOption {
	first := func(vals ...ref.Val) ref.Val {
		for _, v := range vals {
			if !types.IsUnknown(v) && v.Type() != types.NullType {
				return v
			}
		}
		return vals[0]
	}
	t := cel.TypeParamType("T")
	var overloads []cel.FunctionOpt
	args := []*cel.Type{t}
	names := []string{"", "coalesce_1", "coalesce_2", "coalesce_3", "coalesce_4", "coalesce_5", "coalesce_6", "coalesce_7", "coalesce_8"}
	for n := 1; n <= maxCoalesce; n++ {
		impl := cel.FunctionBinding(first)
		switch n {
		case 1:
			impl = cel.UnaryBinding(func(v ref.Val) ref.Val { return v })
		case 2:
			impl = cel.BinaryBinding(func(a, b ref.Val) ref.Val { return first(a, b) })
		}
		overloads = append(overloads, cel.Overload(names[n], append([]*cel.Type{}, args...), t, cel.OverloadIsNonStrict(), impl))
		args = append(args, t)
	}
	return cel.Function("coalesce", overloads...)
}
