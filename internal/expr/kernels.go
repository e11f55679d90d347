package expr

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// kernels are the overloads of CEL's functions that are done a column at a time, with
// the kind they give.
var kernels = withChecks(map[string]columnFunc{
	overloads.AddInt64: {vector.Int, vector.AddInts}, overloads.SubtractInt64: {vector.Int, vector.SubInts},
	overloads.MultiplyInt64: {vector.Int, vector.MulInts}, overloads.DivideInt64: {vector.Int, vector.DivInts},
	overloads.ModuloInt64: {vector.Int, vector.ModInts}, overloads.NegateInt64: {vector.Int, vector.NegInts},

	overloads.AddUint64: {vector.Uint, vector.AddUints}, overloads.SubtractUint64: {vector.Uint, vector.SubUints},
	overloads.MultiplyUint64: {vector.Uint, vector.MulUints}, overloads.DivideUint64: {vector.Uint, vector.DivUints},
	overloads.ModuloUint64: {vector.Uint, vector.ModUints},

	overloads.AddDouble: {vector.Double, vector.AddDoubles}, overloads.SubtractDouble: {vector.Double, vector.SubDoubles},
	overloads.MultiplyDouble: {vector.Double, vector.MulDoubles}, overloads.DivideDouble: {vector.Double, vector.DivDoubles},
	overloads.NegateDouble: {vector.Double, vector.MapDoubles(func(x float64) float64 { return -x })},

	overloads.AddDurationDuration:      {vector.Duration, vector.AddInts},
	overloads.SubtractDurationDuration: {vector.Duration, vector.SubInts},

	overloads.LogicalNot: {vector.Bool, vector.Not},
	overloads.AddString:  {vector.Text, vector.Concat(maxValue, errTooLong)},
	overloads.AddBytes:   {vector.Bytes, vector.Concat(maxValue, errTooLong)},

	overloads.IntToDouble: {vector.Double, vector.IntsToDoubles}, overloads.UintToDouble: {vector.Double, vector.UintsToDoubles},
	overloads.DoubleToInt: {vector.Int, vector.DoublesToInts}, overloads.UintToInt: {vector.Int, vector.UintsToInts},
	overloads.IntToUint: {vector.Uint, vector.IntsToUints}, overloads.IntToInt: {vector.Int, vector.Same},
	overloads.UintToUint: {vector.Uint, vector.Same}, overloads.DoubleToDouble: {vector.Double, vector.Same},
	overloads.BoolToBool: {vector.Bool, vector.Same}, overloads.StringToString: {vector.Text, vector.Same},
	overloads.BytesToBytes: {vector.Bytes, vector.Same}, overloads.TimestampToTimestamp: {vector.Time, vector.Same},
	overloads.DurationToDuration: {vector.Duration, vector.Same},

	overloads.SizeString: {vector.Int, vector.RuneCounts}, overloads.SizeStringInst: {vector.Int, vector.RuneCounts},
	overloads.SizeBytes: {vector.Int, vector.Lengths}, overloads.SizeBytesInst: {vector.Int, vector.Lengths},
	"lower_string": {vector.Text, vector.MapTexts(strings.ToLower)}, "upper_string": {vector.Text, vector.MapTexts(strings.ToUpper)},
	"trim_string": {vector.Text, vector.MapTexts(strings.TrimSpace)},

	"abs_int": {vector.Int, vector.AbsInts}, "abs_double": {vector.Double, vector.MapDoubles(math.Abs)},
	"round_double": {vector.Double, vector.MapDoubles(math.Round)}, "is_nan_double": {vector.Bool, vector.TestDoubles(math.IsNaN)},
	"math_abs_int": {vector.Int, vector.AbsInts}, "math_abs_double": {vector.Double, vector.MapDoubles(math.Abs)},
	"math_ceil_double": {vector.Double, vector.MapDoubles(math.Ceil)}, "math_floor_double": {vector.Double, vector.MapDoubles(math.Floor)},
	"math_trunc_double": {vector.Double, vector.MapDoubles(math.Trunc)}, "math_sqrt_double": {vector.Double, vector.MapDoubles(math.Sqrt)},
	"math_isNaN_double":    {vector.Bool, vector.TestDoubles(math.IsNaN)},
	"math_isInf_double":    {vector.Bool, vector.TestDoubles(func(x float64) bool { return math.IsInf(x, 0) })},
	"math_isFinite_double": {vector.Bool, vector.TestDoubles(func(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) })},

	"year_timestamp": {vector.Int, vector.Parts(vector.Year, 0)}, "month_timestamp": {vector.Int, vector.Parts(vector.Month, 0)},
	"day_timestamp": {vector.Int, vector.Parts(vector.Day, 0)}, "hour_timestamp": {vector.Int, vector.Parts(vector.Hour, 0)},
	"minute_timestamp":                       {vector.Int, vector.Parts(vector.Minute, 0)},
	overloads.TimestampToYear:                {vector.Int, vector.Parts(vector.Year, 0)},
	overloads.TimestampToMonth:               {vector.Int, vector.Parts(vector.Month, -1)},
	overloads.TimestampToDayOfYear:           {vector.Int, vector.Parts(vector.DayOfYear, 0)},
	overloads.TimestampToDayOfMonthZeroBased: {vector.Int, vector.Parts(vector.Day, -1)},
	overloads.TimestampToDayOfMonthOneBased:  {vector.Int, vector.Parts(vector.Day, 0)},
	overloads.TimestampToDayOfWeek:           {vector.Int, vector.Parts(vector.DayOfWeek, 0)},
	overloads.TimestampToHours:               {vector.Int, vector.Parts(vector.Hour, 0)},
	overloads.TimestampToMinutes:             {vector.Int, vector.Parts(vector.Minute, 0)},
	overloads.TimestampToSeconds:             {vector.Int, vector.Parts(vector.Second, 0)},
	overloads.TimestampToMilliseconds:        {vector.Int, vector.Parts(vector.Millisecond, 0)},
})

// comparisons are the beginnings of the names of overloads that compare.
var comparisons = []struct {
	prefix string
	op     vector.Op
}{
	{"less_equals_", vector.LessEqual},
	{"less_", vector.Less},
	{"greater_equals_", vector.GreaterEqual},
	{"greater_", vector.Greater},
}

// overload gives the node of a call of one overload, or nil if it has no kernel.
func (p *planner) overload(id string, e ast.Expr, args []ast.Expr) (*node, error) {
	nodes, err := p.plans(args)
	if err != nil {
		return nil, err
	}
	if madeTimes(nodes) {
		return nil, nil
	}
	switch id {
	case overloads.Equals:
		return p.comparison(vector.Equal, nodes), nil
	case overloads.NotEquals:
		return p.comparison(vector.NotEqual, nodes), nil
	case overloads.Matches, overloads.MatchesString:
		return matches(nodes), nil
	case "like_string":
		return like(nodes), nil
	case overloads.StartsWithString, overloads.EndsWithString, overloads.ContainsString:
		return affix(id, nodes), nil
	case "date_trunc":
		return dateTrunc(nodes), nil
	case overloads.SubtractTimestampTimestamp:
		return p.timeDifference(e, nodes)
	}
	for _, c := range comparisons {
		if strings.HasPrefix(id, c.prefix) {
			return p.comparison(c.op, nodes), nil
		}
	}
	if f := prepared[id]; f != nil {
		return f.node(nodes), nil
	}
	k, ok := kernels[id]
	if !ok {
		return nil, nil
	}
	n := join(id, k.gives, callOp{k.kernel}, nodes...)
	if k.gives == vector.Time {
		n.unit = nodes[0].unit
	}
	return n, nil
}

// comparison compares two nodes, or gives nil.
func (p *planner) comparison(op vector.Op, nodes []*node) *node {
	a, b := nodes[0], nodes[1]
	if c, isConst := a.op.(*constOp); isConst && c.isValue() {
		a, b, op = b, a, op.Flip()
	}
	if a.kind == vector.Time && b.kind == vector.Time {
		if c, isConst := b.op.(*constOp); isConst {
			return compareInstant(op, a, c)
		}
	}
	if a.kind == vector.Decimal || b.kind == vector.Decimal {
		return compareDecimals(op, a, b)
	}
	return compare(op, a, b)
}

// compareDecimals compares a decimal column with another of its scale, or a constant.
func compareDecimals(op vector.Op, a, b *node) *node {
	if a.kind == vector.Decimal && b.kind == vector.Decimal && a.unit == b.unit {
		return compare(op, a, b)
	}
	c, ok := b.op.(*constOp)
	if !ok || a.kind != vector.Decimal {
		return nil
	}
	d, ok := c.val.(decimalVal)
	if !ok {
		return nil
	}
	count, exact := d.unscaled(int32(a.unit))
	return compareCount(op, a, count.Int64(), exact, count.IsInt64(), count.Sign() > 0)
}

// compareInstant compares with a constant instant, in the unit of the other side.
func compareInstant(op vector.Op, a *node, c *constOp) *node {
	t, ok := c.val.(types.Timestamp)
	if !ok {
		return nil
	}
	count, exact, fits := cut(t.Time, a.unit)
	return compareCount(op, a, count, exact, fits, t.After(instant(0, vector.Seconds)))
}

// compareCount compares with a constant that is count in the unit of the other side, or,
// if it is not exact, between count and the next; or, if it doesn't fit, after or before
// everything that does.
func compareCount(op vector.Op, a *node, count int64, exact, fits, after bool) *node {
	switch {
	case !fits && (op == vector.Equal || op == vector.NotEqual):
		exact = false
	case !fits && after: // before it is what is at most the greatest
		count, exact = math.MaxInt64, true
		op = map[vector.Op]vector.Op{vector.Less: vector.LessEqual, vector.LessEqual: vector.LessEqual, vector.Greater: vector.Greater, vector.GreaterEqual: vector.Greater}[op]
	case !fits:
		count, exact = math.MinInt64, true
		op = map[vector.Op]vector.Op{vector.Less: vector.Less, vector.LessEqual: vector.Less, vector.Greater: vector.GreaterEqual, vector.GreaterEqual: vector.GreaterEqual}[op]
	}
	if !exact {
		switch op {
		case vector.Less, vector.LessEqual:
			op = vector.LessEqual
		case vector.Greater, vector.GreaterEqual:
			op = vector.Greater
		case vector.Equal:
			op, count = vector.Less, math.MinInt64
		case vector.NotEqual:
			op, count = vector.GreaterEqual, math.MinInt64
		}
	}
	limit := &constOp{val: types.Int(count)}
	limit.vec.Start(a.kind, vector.Chunk)
	limit.vec.Ints[0], limit.vec.Unit = count, a.unit
	limit.vec.Fill(vector.Chunk)
	key := fmt.Sprintf("%d of %d %d", count, a.kind, a.unit)
	return compare(op, a, &node{key: key, kind: a.kind, unit: a.unit, column: noColumn, op: limit})
}

// compare is the node of a comparison, or nil if the kinds don't compare.
func compare(op vector.Op, a, b *node) *node {
	kernel := vector.Comparison(op, a.kind, b.kind)
	if kernel == nil {
		return nil
	}
	name := [...]string{"<", "<=", ">", ">=", "==", "!="}[op]
	if op == vector.Equal || op == vector.NotEqual {
		return join(name, vector.Bool, equalOp{kernel}, a, b)
	}
	return join(name, vector.Bool, callOp{kernel}, a, b)
}

func matches(nodes []*node) *node {
	pattern, ok := constantText(nodes[1])
	if !ok {
		return nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil
	}
	return join("matches", vector.Bool, callOp{vector.TestTexts(vector.Matcher(re))}, nodes...)
}

// affix is the test for a part of a text.
func affix(id string, nodes []*node) *node {
	part, isConst := constantText(nodes[1])
	var kernel vector.Kernel
	switch {
	case id == overloads.StartsWithString && isConst:
		kernel = vector.HasPrefix(part)
	case id == overloads.StartsWithString:
		kernel = vector.TestTwoTexts(strings.HasPrefix)
	case id == overloads.EndsWithString && isConst:
		kernel = vector.HasSuffix(part)
	case id == overloads.EndsWithString:
		kernel = vector.TestTwoTexts(strings.HasSuffix)
	case isConst:
		kernel = vector.TestTexts(func(s string) bool { return strings.Contains(s, part) })
	default:
		kernel = vector.TestTwoTexts(strings.Contains)
	}
	return join(id, vector.Bool, callOp{kernel}, nodes...)
}

func like(nodes []*node) *node {
	pattern, ok := constantText(nodes[1])
	if !ok {
		return nil
	}
	return join("like", vector.Bool, callOp{vector.TestTexts(vector.Like(pattern))}, nodes...)
}

func dateTrunc(nodes []*node) *node {
	unit, ok := constantText(nodes[0])
	part, known := truncations[unit]
	if !ok || !known {
		return nil
	}
	n := join("date_trunc", vector.Time, callOp{func(out *vector.Vector, args []*vector.Vector, n int, open vector.Bits) {
		vector.Truncate(part)(out, args[1:], n, open)
	}}, nodes...)
	n.unit = min(nodes[1].unit, vector.Micros)
	return n
}

var truncations = map[string]vector.Part{
	"year": vector.Year, "quarter": vector.Quarter, "month": vector.Month, "week": vector.Week, "day": vector.Day, "hour": vector.Hour, "minute": vector.Minute,
}

// timeDifference is the node of the duration between two instants. Chunks in which a
// row may be out of range are left to cel-go.
func (p *planner) timeDifference(e ast.Expr, nodes []*node) (*node, error) {
	if _, ok := sameUnit(nodes); !ok {
		return nil, nil
	}
	exact, err := p.fallback(e, "")
	if err != nil {
		return nil, err
	}
	return join("time difference", vector.Duration, timeDifferenceOp{}, append(nodes, exact)...), nil
}

func constantText(n *node) (string, bool) {
	c, ok := n.op.(*constOp)
	if !ok {
		return "", false
	}
	s, ok := c.val.(types.String)
	return string(s), ok
}

// membership is the node of x in [constants], or nil.
func (p *planner) membership(x, list ast.Expr) (*node, error) {
	if list.Kind() != ast.ListKind || list.AsList().Size() == 0 || len(list.AsList().OptionalIndices()) > 0 {
		return nil, nil
	}
	n, err := p.plan(x)
	if err != nil {
		return nil, err
	}
	var kernel vector.Kernel
	switch n.kind {
	case vector.Int:
		if set := constants(list, func(i types.Int) int64 { return int64(i) }); set != nil {
			kernel = vector.AmongNumbers(func(v *vector.Vector) []int64 { return v.Ints }, set)
		}
	case vector.Uint:
		if set := constants(list, func(i types.Uint) uint64 { return uint64(i) }); set != nil {
			kernel = vector.AmongNumbers(func(v *vector.Vector) []uint64 { return v.Uints }, set)
		}
	case vector.Text:
		if set := constants(list, func(s types.String) string { return string(s) }); set != nil {
			kernel = vector.Among(func(v *vector.Vector) []string { return v.Texts }, set)
		}
	}
	if kernel == nil {
		return nil, nil
	}
	among := join("in "+p.text(list), vector.Bool, callOp{kernel}, n)
	among.name, among.list = "in", listed(list)
	return among, nil
}

// listed gives the constants of a list as nodes, for proofs.
func listed(list ast.Expr) (nodes []*node) {
	for _, e := range list.AsList().Elements() {
		val := e.AsLiteral()
		nodes = append(nodes, constantNode(kindOf(val.Type().(*types.Type)), val, ""))
	}
	return nodes
}

// constants gives the set of a list of constants of one type, or nil.
func constants[V ref.Val, T comparable](list ast.Expr, native func(V) T) map[T]struct{} {
	set := map[T]struct{}{}
	for _, e := range list.AsList().Elements() {
		if e.Kind() != ast.LiteralKind {
			return nil
		}
		v, ok := e.AsLiteral().(V)
		if !ok {
			return nil
		}
		set[native(v)] = struct{}{}
	}
	return set
}
