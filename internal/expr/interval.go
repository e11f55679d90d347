package expr

import (
	"math"
	"math/big"
	"strings"

	"cel.dev/cel-go/common/overloads"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// call gives what may come of a function that is null or an error where an argument is.
func (p *prover) call(n *node, kernel vector.Kernel) abstract {
	args := make([]abstract, len(n.args))
	out := abstract{}
	nullable := 0
	for i, arg := range n.args {
		args[i] = p.prove(arg)
		out.never = out.never || args[i].never
		out.mayNull = out.mayNull || args[i].mayNull
		out.mayFail = out.mayFail || args[i].mayFail
		if args[i].mayNull {
			nullable++
			out.nulls = args[i].nulls
		}
	}
	for _, a := range args {
		if nullable > 1 || a.mayFail && !a.mayNull {
			out.nulls = -1
		}
	}
	if out.never {
		return out
	}
	value, ok := p.apply(n, kernel, args)
	if !ok {
		value = anything(n.kind)
		value.mayFail = !totals[n.name]
	}
	value.mayNull, value.nulls = out.mayNull, out.nulls
	value.mayFail = value.mayFail || out.mayFail
	return value
}

// totals are the functions that are an error on no value.
var totals = func() map[string]bool {
	all := map[string]bool{
		"<": true, "<=": true, ">": true, ">=": true, "==": true, "!=": true, "in": true, "matches": true, "like": true, "date_trunc": true,
		overloads.StartsWithString: true, overloads.EndsWithString: true, overloads.ContainsString: true,
	}
	for name, k := range kernels {
		all[name] = k.gives == vector.Bool || k.gives == vector.Double
	}
	for _, name := range []string{overloads.SizeString, overloads.SizeStringInst, overloads.SizeBytes, overloads.SizeBytesInst, "lower_string", "upper_string", "trim_string", "type_of_text_string"} {
		all[name] = true
	}
	for _, p := range prepared {
		all[p.name] = p.total
	}
	for name := range timeParts {
		all[name] = true
	}
	return all
}()

// timeParts are the least and the greatest that a part of an instant can be.
var timeParts = map[string][2]int64{
	"month_timestamp": {1, 12}, "day_timestamp": {1, 31}, "hour_timestamp": {0, 23}, "minute_timestamp": {0, 59},
	"second_timestamp": {0, 59}, "weekday_timestamp": {1, 7}, "day_of_year_timestamp": {1, 366}, "week_timestamp": {1, 53}, "quarter_timestamp": {1, 4},
	overloads.TimestampToMonth: {0, 11}, overloads.TimestampToDayOfYear: {0, 365}, overloads.TimestampToDayOfMonthZeroBased: {0, 30},
	overloads.TimestampToDayOfMonthOneBased: {1, 31}, overloads.TimestampToDayOfWeek: {0, 6}, overloads.TimestampToHours: {0, 23},
	overloads.TimestampToMinutes: {0, 59}, overloads.TimestampToSeconds: {0, 59}, overloads.TimestampToMilliseconds: {0, 999},
}

// rising are functions of one argument that keep order: those of the bounds bound them.
var rising = map[string]bool{
	overloads.IntToDouble: true, overloads.UintToDouble: true, overloads.IntToInt: true, overloads.UintToUint: true, overloads.DoubleToDouble: true,
	overloads.TimestampToTimestamp: true, overloads.DurationToDuration: true, "round_double": true, "math_ceil_double": true,
	"math_floor_double": true, "math_trunc_double": true, "year_timestamp": true, overloads.TimestampToYear: true,
}

// apply gives the values that a function may have, and whether it may be an error by
// itself; ok is false if nothing is known of it.
func (p *prover) apply(n *node, kernel vector.Kernel, args []abstract) (out abstract, ok bool) {
	if part, isPart := timeParts[n.name]; isPart {
		return abstract{lo: big.NewInt(part[0]), hi: big.NewInt(part[1])}, true
	}
	if op, isComparison := comparisonNames[n.name]; isComparison {
		out = p.compare(op, n.args[0], n.args[1], args[0], args[1])
		equal := op == vector.Equal
		if (equal || op == vector.NotEqual) && (p.lacks(n.args[0], n.args[1], args[1]) || p.lacks(n.args[1], n.args[0], args[0])) {
			out.isNot(equal)
		}
		return out, true
	}
	switch n.name {
	case overloads.LogicalNot:
		return abstract{mayTrue: args[0].mayFalse, mayFalse: args[0].mayTrue}, true
	case "in":
		return p.among(n, args[0]), true
	case "is_nan_double", "math_isNaN_double":
		return abstract{mayTrue: args[0].nan, mayFalse: args[0].min <= args[0].max}, true
	case overloads.StartsWithString:
		return startsWith(args[0], args[1])
	case overloads.SizeString, overloads.SizeStringInst, overloads.SizeBytes, overloads.SizeBytesInst:
		return abstract{lo: new(big.Int), hi: greatestInt}, true
	case "abs_double", "math_abs_double":
		lo, hi := math.Abs(args[0].min), math.Abs(args[0].max)
		out = abstract{min: math.Min(lo, hi), max: math.Max(lo, hi), nan: args[0].nan}
		if args[0].min < 0 && args[0].max > 0 {
			out.min = 0
		}
		return out, args[0].min <= args[0].max
	case "abs_int", "math_abs_int":
		return absolute(args[0]), true
	case overloads.NegateDouble:
		return abstract{min: -args[0].max, max: -args[0].min, nan: args[0].nan}, true
	case overloads.NegateInt64:
		return within(vector.Int, new(big.Int).Neg(args[0].hi), new(big.Int).Neg(args[0].lo)), true
	}
	if rising[n.name] {
		return p.atBounds(n, kernel, args[0])
	}
	if len(args) == 2 {
		return arithmetic(n.name, n.kind, kernel, args[0], args[1])
	}
	return abstract{}, false
}

var comparisonNames = map[string]vector.Op{
	"<": vector.Less, "<=": vector.LessEqual, ">": vector.Greater, ">=": vector.GreaterEqual, "==": vector.Equal, "!=": vector.NotEqual,
}

// within are whole numbers between bounds; those that the kind does not hold are errors.
func within(kind vector.Kind, lo, hi *big.Int) abstract {
	a := abstract{lo: lo, hi: hi}
	least, greatest := bounds(kind)
	a.clamp(least, greatest)
	return a
}

func absolute(a abstract) abstract {
	lo, hi := new(big.Int).Abs(a.lo), new(big.Int).Abs(a.hi)
	if lo.Cmp(hi) > 0 {
		lo, hi = hi, lo
	}
	if a.lo.Sign() < 0 && a.hi.Sign() > 0 {
		lo = new(big.Int)
	}
	return within(vector.Int, lo, hi)
}

// atBounds runs a kernel that keeps order on the bounds of its argument.
func (p *prover) atBounds(n *node, kernel vector.Kernel, a abstract) (abstract, bool) {
	var in, out vector.Vector
	kind := n.args[0].kind
	in.Start(kind, 2)
	in.Unit = n.args[0].unit
	switch kind {
	case vector.Double:
		if !(a.min <= a.max) {
			return abstract{}, false
		}
		in.Doubles[0], in.Doubles[1] = a.min, a.max
	case vector.Uint:
		in.Uints[0], in.Uints[1] = a.lo.Uint64(), a.hi.Uint64()
	case vector.Int, vector.Time, vector.Duration, vector.Decimal:
		in.Ints[0], in.Ints[1] = a.lo.Int64(), a.hi.Int64()
	default:
		return abstract{}, false
	}
	out.Start(n.kind, 2)
	kernel(&out, []*vector.Vector{&in}, 2, nil)
	res := p.ofVector(n.kind, &out, 2, -1)
	if res.never || res.mayFail {
		return abstract{}, false
	}
	res.nan = res.nan || kind == vector.Double && a.nan
	return res, true
}

// arithmetic gives the bounds of a function of two numbers.
func arithmetic(name string, kind vector.Kind, kernel vector.Kernel, a, b abstract) (abstract, bool) {
	switch name {
	case overloads.AddInt64, overloads.AddUint64, overloads.AddDurationDuration:
		return within(kind, new(big.Int).Add(a.lo, b.lo), new(big.Int).Add(a.hi, b.hi)), true
	case overloads.SubtractInt64, overloads.SubtractUint64, overloads.SubtractDurationDuration:
		return within(kind, new(big.Int).Sub(a.lo, b.hi), new(big.Int).Sub(a.hi, b.lo)), true
	case overloads.MultiplyInt64, overloads.MultiplyUint64:
		lo, hi := corners(a, b, func(x, y *big.Int) *big.Int { return new(big.Int).Mul(x, y) })
		return within(kind, lo, hi), true
	case overloads.DivideInt64, overloads.DivideUint64:
		if b.lo.Sign() <= 0 && b.hi.Sign() >= 0 {
			return abstract{}, false
		}
		lo, hi := corners(a, b, func(x, y *big.Int) *big.Int { return new(big.Int).Quo(x, y) })
		return within(kind, lo, hi), true
	case overloads.AddDouble, overloads.SubtractDouble, overloads.MultiplyDouble, overloads.DivideDouble:
		if name == overloads.DivideDouble && b.min <= 0 && b.max >= 0 {
			return abstract{}, false
		}
		return doubles(kernel, a, b)
	}
	return abstract{}, false
}

// corners gives the least and the greatest of a function at the bounds of its arguments.
func corners(a, b abstract, f func(x, y *big.Int) *big.Int) (lo, hi *big.Int) {
	for _, x := range []*big.Int{a.lo, a.hi} {
		for _, y := range []*big.Int{b.lo, b.hi} {
			v := f(x, y)
			if lo == nil || v.Cmp(lo) < 0 {
				lo = v
			}
			if hi == nil || v.Cmp(hi) > 0 {
				hi = v
			}
		}
	}
	return lo, hi
}

// doubles runs a kernel at the bounds of its arguments. Rounding to the nearest keeps
// order, so that the rounded corners bound every rounded value in between.
func doubles(kernel vector.Kernel, a, b abstract) (abstract, bool) {
	if !(a.min <= a.max && b.min <= b.max) {
		return abstract{}, false
	}
	var x, y, out vector.Vector
	x.Start(vector.Double, 4)
	y.Start(vector.Double, 4)
	out.Start(vector.Double, 4)
	copy(x.Doubles, []float64{a.min, a.min, a.max, a.max})
	copy(y.Doubles, []float64{b.min, b.max, b.min, b.max})
	kernel(&out, []*vector.Vector{&x, &y}, 4, nil)
	res := abstract{min: math.Inf(1), max: math.Inf(-1), nan: a.nan || b.nan}
	for _, v := range out.Doubles {
		if math.IsNaN(v) {
			return abstract{}, false
		}
		res.min, res.max = math.Min(res.min, v), math.Max(res.max, v)
	}
	// Infinity less infinity, and infinity times zero, may lie inside.
	infinite := math.IsInf(a.min, 0) || math.IsInf(a.max, 0) || math.IsInf(b.min, 0) || math.IsInf(b.max, 0)
	res.nan = res.nan || infinite
	return res, true
}

// compare gives what a comparison may say, by the order of the bounds.
func (p *prover) compare(op vector.Op, x, y *node, a, b abstract) abstract {
	mayLess, mayEqual, mayGreater, unordered := orders(x, y, a, b)
	var out abstract
	may := func(order bool, holds bool) {
		if order && holds {
			out.mayTrue = true
		}
		if order && !holds {
			out.mayFalse = true
		}
	}
	may(mayLess, op == vector.Less || op == vector.LessEqual || op == vector.NotEqual)
	may(mayEqual, op == vector.LessEqual || op == vector.GreaterEqual || op == vector.Equal)
	may(mayGreater, op == vector.Greater || op == vector.GreaterEqual || op == vector.NotEqual)
	may(unordered, op == vector.NotEqual)
	return out
}

// orders says in which order two values may be.
func orders(x, y *node, a, b abstract) (less, equal, greater, unordered bool) {
	switch {
	case x.kind == vector.Double || y.kind == vector.Double:
		a, b := a.asDouble(x.kind), b.asDouble(y.kind)
		unordered = a.nan || b.nan
		if a.min > a.max || b.min > b.max { // nothing but NaN
			return false, false, false, unordered
		}
		return a.min < b.max, a.min <= b.max && b.min <= a.max, a.max > b.min, unordered
	case x.kind == vector.Bool:
		return a.mayFalse && b.mayTrue, a.mayFalse && b.mayFalse || a.mayTrue && b.mayTrue, a.mayTrue && b.mayFalse, false
	case x.kind == vector.Text || x.kind == vector.Bytes:
		reaches := func(last *string, first string) int {
			if last == nil {
				return 1
			}
			return strings.Compare(*last, first)
		}
		ab, ba := reaches(b.last, a.first), reaches(a.last, b.first)
		return ab > 0, ab >= 0 && ba >= 0, ba > 0, false
	case x.kind == vector.Other || y.kind == vector.Other || (x.kind == vector.Time || x.kind == vector.Decimal) && x.unit != y.unit:
		return true, true, true, true
	}
	return a.lo.Cmp(b.hi) < 0, a.lo.Cmp(b.hi) <= 0 && b.lo.Cmp(a.hi) <= 0, a.hi.Cmp(b.lo) > 0, false
}

// asDouble converts the bounds of whole numbers as a comparison with a double does.
func (a abstract) asDouble(kind vector.Kind) abstract {
	if kind != vector.Double {
		a.min, _ = new(big.Float).SetInt(a.lo).Float64()
		a.max, _ = new(big.Float).SetInt(a.hi).Float64()
		a.nan = false
	}
	return a
}

// among gives what "in" may say: whether a value may be, and must be, one of the list.
func (p *prover) among(n *node, a abstract) abstract {
	out := abstract{mayFalse: true}
	for _, c := range n.list {
		of := p.prove(c)
		less, equal, greater, unordered := orders(n.args[0], c, a, of)
		if less || greater || unordered {
			equal = equal && !p.lacks(n.args[0], c, of)
		}
		out.mayTrue = out.mayTrue || equal
		if equal && !less && !greater && !unordered {
			out.mayFalse = false
		}
	}
	return out
}

// isNot rules an outcome out, if another is left.
func (a *abstract) isNot(outcome bool) {
	switch {
	case outcome && a.mayFalse:
		a.mayTrue = false
	case !outcome && a.mayTrue:
		a.mayFalse = false
	}
}

// lacks reports whether a column is known not to have the value that a constant of its
// kind is.
func (p *prover) lacks(column, constant *node, of abstract) bool {
	if _, isColumn := column.op.(columnOp); !isColumn || column.kind != constant.kind || p.known[column.column].Lacks == nil {
		return false
	}
	if _, isConst := constant.op.(*constOp); !isConst || of.mayNull || of.mayFail || of.never {
		return false
	}
	lacks := p.known[column.column].Lacks
	switch column.kind {
	case vector.Int:
		return of.lo.Cmp(of.hi) == 0 && lacks(of.lo.Int64())
	case vector.Uint:
		return of.lo.Cmp(of.hi) == 0 && lacks(of.lo.Uint64())
	case vector.Text, vector.Bytes:
		return of.last != nil && *of.last == of.first && lacks(of.first)
	}
	return false
}

// startsWith uses that all texts between two with a prefix have it.
func startsWith(a, b abstract) (abstract, bool) {
	if b.last == nil || *b.last != b.first {
		return abstract{}, false
	}
	prefix := b.first
	out := abstract{mayTrue: true, mayFalse: true}
	switch {
	case a.last != nil && *a.last < prefix, a.first > prefix && !strings.HasPrefix(a.first, prefix):
		out.mayTrue = false
	case a.last != nil && strings.HasPrefix(a.first, prefix) && strings.HasPrefix(*a.last, prefix):
		out.mayFalse = false
	}
	return out, true
}
