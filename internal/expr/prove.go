package expr

import (
	"context"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr/vector"
	"github.com/penstock-data/penstock/pipeline"
)

// Proof is what is certain of the outcomes of a condition on some rows: an outcome that
// may not be is that of no row. It never errs in saying that something may not be.
type Proof struct {
	MayTrue, MayFalse, MayNull, MayFail bool
	// Nulls is on how many rows the outcome is null, where HasNulls says that this is
	// known.
	Nulls    int64
	HasNulls bool
}

// Holds reports whether no row is false or an error: every row that is not null is true.
func (p Proof) Holds() bool { return !p.MayFalse && !p.MayFail }

// Fails reports whether no row is true: none that is tested passes.
func (p Proof) Fails() bool { return !p.MayTrue }

// Prove says what is certain of a program that gives a bool, on rows of which something
// is known, by the index of the column.
func (p *Program) Prove(rows int64, known map[int]pipeline.Facts) Proof {
	pr := &prover{program: p, rows: rows, known: known}
	a := pr.prove(p.root)
	proof := Proof{MayTrue: a.mayTrue, MayFalse: a.mayFalse, MayNull: a.mayNull, MayFail: a.mayFail}
	if p.root.kind != vector.Bool {
		proof.MayTrue, proof.MayFalse = true, true
	}
	switch {
	case !a.mayNull:
		proof.HasNulls = true
	case a.nulls >= 0:
		proof.HasNulls, proof.Nulls = true, a.nulls
	}
	return proof
}

// An abstract is every outcome that a node may have on the rows: within bounds for
// numbers, one or both for bools, and perhaps null or an error.
type abstract struct {
	mayNull, mayFail bool
	nulls            int64 // how many, or -1
	never            bool  // there is no row with a value

	mayTrue, mayFalse bool     // of a bool
	lo, hi            *big.Int // of an Int, Uint, Time or Duration
	min, max          float64  // of a Double, but for
	nan               bool
	first             string // of a Text or Bytes
	last              *string
}

// anything is what is known of an outcome of which nothing is known.
func anything(kind vector.Kind) abstract {
	a := abstract{mayNull: true, mayFail: true, nulls: -1, mayTrue: true, mayFalse: true, min: math.Inf(-1), max: math.Inf(1), nan: true}
	a.lo, a.hi = bounds(kind)
	return a
}

var (
	leastInt, greatestInt = big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)
	greatestUint          = new(big.Int).SetUint64(math.MaxUint64)
)

func bounds(kind vector.Kind) (lo, hi *big.Int) {
	if kind == vector.Uint {
		return new(big.Int), greatestUint
	}
	return leastInt, greatestInt
}

// prover is at work on one program.
type prover struct {
	program *Program
	rows    int64
	known   map[int]pipeline.Facts
}

func (p *prover) prove(n *node) abstract {
	if n.column >= 0 && p.known[n.column].Values != nil {
		if a, ok := p.byValues(n, p.known[n.column]); ok {
			return a
		}
	}
	switch op := n.op.(type) {
	case *constOp:
		return p.ofVector(n.kind, &op.vec, 1, 0)
	case columnOp:
		return p.column(n, p.known[n.column])
	case *junctionOp:
		return p.junction(op.or, p.prove(n.args[0]), p.prove(n.args[1]))
	case *ifOp:
		return p.choice(n)
	case *coalesceOp:
		return p.coalesce(n)
	case isNullOp:
		return p.isNull(p.prove(n.args[0]))
	case callOp:
		return p.call(n, op.kernel)
	case equalOp:
		return p.call(n, op.kernel)
	}
	return anything(n.kind)
}

// byValues evaluates a node on every value that its only column has.
func (p *prover) byValues(n *node, k pipeline.Facts) (a abstract, ok bool) {
	g := NewGroup(&Program{root: n, schema: p.program.schema})
	s := newScope(g)
	s.inner = true
	rows := k.Values.Len()
	if !k.HasNulls || k.Nulls > 0 {
		rows++ // one that is null
	}
	cols := make([]arrow.Array, p.program.schema.NumFields())
	cols[n.column] = k.Values
	s.begin(context.Background(), &vector.Meter{Limit: maxTexts}, cols, rows)
	first := true
	for s.next() {
		v, err := s.eval(g.roots[0], nil)
		if err != nil || s.meter.Over() {
			return anything(n.kind), false
		}
		part := p.ofVector(n.kind, v, s.n, -1)
		if first {
			a, first = part, false
		} else {
			a = union(n.kind, a, part)
		}
	}
	if first {
		return abstract{never: true}, true
	}
	// Where null gives null, and nothing else does, there are as many.
	if a.mayNull && k.HasNulls && k.Values.NullN() == 0 && onlyNullGivesNull(n) {
		a.nulls = k.Nulls
	}
	return a, true
}

// onlyNullGivesNull reports whether a node that reads one column is null just where
// that is.
func onlyNullGivesNull(n *node) bool {
	switch op := n.op.(type) {
	case columnOp:
		return true
	case *constOp:
		return op.isValue()
	case callOp, equalOp:
		return !slices.ContainsFunc(n.args, func(arg *node) bool { return !onlyNullGivesNull(arg) })
	}
	return false
}

// ofVector gives what n outcomes have in common.
func (p *prover) ofVector(kind vector.Kind, v *vector.Vector, n int, nulls int64) abstract {
	a := abstract{nulls: nulls, never: true, min: math.Inf(1), max: math.Inf(-1)}
	for i := range n {
		switch {
		case set(v.Null, i):
			a.mayNull = true
			continue
		case set(v.Bad, i):
			a.mayFail = true
			continue
		}
		one := abstract{}
		switch kind {
		case vector.Bool:
			one.mayTrue = v.Bits.Get(i)
			one.mayFalse = !one.mayTrue
		case vector.Int, vector.Time, vector.Duration, vector.Decimal:
			one.lo = big.NewInt(v.Ints[i])
			one.hi = one.lo
		case vector.Uint:
			one.lo = new(big.Int).SetUint64(v.Uints[i])
			one.hi = one.lo
		case vector.Double:
			one.min, one.max = v.Doubles[i], v.Doubles[i]
			if one.nan = math.IsNaN(one.min); one.nan {
				one.min, one.max = math.Inf(1), math.Inf(-1)
			}
		case vector.Text, vector.Bytes:
			text := strings.Clone(v.Texts[i])
			one.first, one.last = text, &text
		case vector.Other:
			return anything(kind)
		}
		a = union(kind, a, one)
	}
	if nulls == 0 && a.mayNull {
		a.nulls = p.rows // a constant null is null everywhere
	}
	return a
}

// union is what may be either.
func union(kind vector.Kind, a, b abstract) abstract {
	out := abstract{mayNull: a.mayNull || b.mayNull, mayFail: a.mayFail || b.mayFail, nulls: -1}
	switch {
	case a.never && b.never:
		out.never = true
		return out
	case a.never:
		b.mayNull, b.mayFail, b.nulls = out.mayNull, out.mayFail, -1
		return b
	case b.never:
		a.mayNull, a.mayFail, a.nulls = out.mayNull, out.mayFail, -1
		return a
	}
	switch kind {
	case vector.Bool:
		out.mayTrue, out.mayFalse = a.mayTrue || b.mayTrue, a.mayFalse || b.mayFalse
	case vector.Double:
		out.min, out.max, out.nan = math.Min(a.min, b.min), math.Max(a.max, b.max), a.nan || b.nan
	case vector.Text, vector.Bytes:
		out.first = min(a.first, b.first)
		if a.last != nil && b.last != nil {
			last := max(*a.last, *b.last)
			out.last = &last
		}
	case vector.Other:
	default:
		out.lo, out.hi = a.lo, a.hi
		if b.lo.Cmp(out.lo) < 0 {
			out.lo = b.lo
		}
		if b.hi.Cmp(out.hi) > 0 {
			out.hi = b.hi
		}
	}
	return out
}

// column gives what k says of a column.
func (p *prover) column(n *node, k pipeline.Facts) abstract {
	a := anything(n.kind)
	a.mayFail = false
	if k.HasNulls {
		a.mayNull, a.nulls, a.never = k.Nulls > 0, k.Nulls, k.Nulls >= p.rows && p.rows > 0
	}
	switch n.kind {
	case vector.Bool:
		if v, ok := k.Min.(bool); ok {
			a.mayFalse = !v
		}
		if v, ok := k.Max.(bool); ok {
			a.mayTrue = v
		}
	case vector.Double:
		if v, ok := k.Min.(float64); ok && !math.IsNaN(v) {
			a.min = v
		}
		if v, ok := k.Max.(float64); ok && !math.IsNaN(v) {
			a.max = v
		}
		a.nan = !k.NoNaN
	case vector.Text, vector.Bytes:
		if v, ok := k.Min.(string); ok {
			a.first = v
		}
		if v, ok := k.Max.(string); ok {
			a.last = &v
		}
	case vector.Other:
		return anything(n.kind)
	default:
		if v := whole(k.Min); v != nil {
			a.lo = v
		}
		if v := whole(k.Max); v != nil {
			a.hi = v
		}
	}
	if a.inverted(n.kind) {
		// Bounds that can't be are no bounds.
		k.Min, k.Max = nil, nil
		return p.column(n, k)
	}
	switch n.kind {
	case vector.Int, vector.Uint, vector.Time, vector.Duration, vector.Decimal:
		a.scale(n, p.program.schema.Field(n.column).Type)
	}
	return a
}

func (a *abstract) inverted(kind vector.Kind) bool {
	switch kind {
	case vector.Bool:
		return !a.mayTrue && !a.mayFalse
	case vector.Double:
		return a.min > a.max
	case vector.Text, vector.Bytes:
		return a.last != nil && *a.last < a.first
	}
	return a.lo.Cmp(a.hi) > 0
}

func whole(v any) *big.Int {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v)
	case uint64:
		return new(big.Int).SetUint64(v)
	}
	return nil
}

// scale brings the bounds of a column into the unit of its vectors; what a vector does
// not hold is an error.
func (a *abstract) scale(n *node, t arrow.DataType) {
	lo, hi := bounds(n.kind)
	switch n.kind {
	case vector.Duration:
		nanos := big.NewInt(nanosOf(t))
		a.lo, a.hi = new(big.Int).Mul(a.lo, nanos), new(big.Int).Mul(a.hi, nanos)
	case vector.Time:
		if n.unit != vector.Nanos {
			limit := vector.TimeLimit(n.unit)
			lo, hi = big.NewInt(-limit), big.NewInt(limit)
		}
	}
	a.clamp(lo, hi)
}

// clamp makes what is out of bounds an error.
func (a *abstract) clamp(lo, hi *big.Int) {
	if a.lo.Cmp(lo) < 0 {
		a.lo, a.mayFail = lo, true
	}
	if a.hi.Cmp(hi) > 0 {
		a.hi, a.mayFail = hi, true
	}
	if a.lo.Cmp(hi) > 0 || a.hi.Cmp(lo) < 0 {
		a.lo, a.hi, a.mayFail = lo, hi, true
	}
}

func nanosOf(t arrow.DataType) int64 {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return nanosOf(t.ValueType)
	case *arrow.RunEndEncodedType:
		return nanosOf(t.Encoded())
	case arrow.TemporalWithUnit:
		return int64(t.TimeUnit().Multiplier())
	}
	return 1
}

// junction tries every pair of outcomes that may be.
func (p *prover) junction(or bool, a, b abstract) abstract {
	out := abstract{nulls: -1}
	for _, x := range a.outcomes() {
		for _, y := range b.outcomes() {
			if or {
				out.add(x.not().and(y.not()).not())
			} else {
				out.add(x.and(y))
			}
		}
	}
	out.never = !out.mayTrue && !out.mayFalse
	return out
}

// truth is one outcome of a condition.
type truth uint8

const (
	isFalse truth = iota
	isTrue
	isNothing // null
	isFailed
)

func (t truth) not() truth {
	switch t {
	case isFalse:
		return isTrue
	case isTrue:
		return isFalse
	}
	return t
}

func (t truth) and(u truth) truth {
	for _, first := range []truth{isFalse, isNothing, isFailed} {
		if t == first || u == first {
			return first
		}
	}
	return isTrue
}

func (a *abstract) outcomes() (all []truth) {
	if a.mayFalse && !a.never {
		all = append(all, isFalse)
	}
	if a.mayTrue && !a.never {
		all = append(all, isTrue)
	}
	if a.mayNull {
		all = append(all, isNothing)
	}
	if a.mayFail {
		all = append(all, isFailed)
	}
	return all
}

func (a *abstract) add(t truth) {
	switch t {
	case isFalse:
		a.mayFalse = true
	case isTrue:
		a.mayTrue = true
	case isNothing:
		a.mayNull = true
	case isFailed:
		a.mayFail = true
	}
}

func (p *prover) choice(n *node) abstract {
	cond := p.prove(n.args[0])
	out := abstract{never: true, mayNull: cond.mayNull, mayFail: cond.mayFail}
	if cond.mayTrue && !cond.never {
		out = union(n.kind, out, p.prove(n.args[1]))
	}
	if cond.mayFalse && !cond.never {
		out = union(n.kind, out, p.prove(n.args[2]))
	}
	out.nulls = -1
	return out
}

func (p *prover) coalesce(n *node) abstract {
	out := abstract{never: true}
	for _, arg := range n.args {
		a := p.prove(arg)
		null := a.mayNull
		a.mayNull = false
		out = union(n.kind, out, a)
		if !null {
			return out
		}
	}
	out.mayNull, out.nulls = true, -1
	return out
}

func (p *prover) isNull(a abstract) abstract {
	return abstract{mayTrue: a.mayNull, mayFalse: !a.never, mayFail: a.mayFail, never: !a.mayNull && a.never}
}

// String names the outcomes that may be, and how many are null where that is known.
func (p Proof) String() string {
	var may []string
	for _, o := range []struct {
		may  bool
		name string
	}{{p.MayTrue, "true"}, {p.MayFalse, "false"}, {p.MayNull, "null"}, {p.MayFail, "error"}} {
		if o.may {
			may = append(may, o.name)
		}
	}
	if p.HasNulls && p.MayNull {
		may = append(may, strconv.FormatInt(p.Nulls, 10))
	}
	return strings.Join(may, " ")
}
