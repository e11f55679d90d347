package expr

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// columnOp reads a column.
type columnOp struct{}

func (columnOp) eval(s *scope, n *node, out *vector.Vector, _ vector.Bits) error {
	return s.load(n.column, out)
}

// constOp is the same on every row. Its vector is long enough for any chunk.
type constOp struct {
	val ref.Val
	vec vector.Vector
}

func (c *constOp) isValue() bool { return !types.IsUnknownOrError(c.val) }

// eval is not called: a scope takes the vector as it is.
func (*constOp) eval(*scope, *node, *vector.Vector, vector.Bits) error { return nil }

// callOp is a function that is null or an error where an argument is.
type callOp struct{ kernel vector.Kernel }

func (c callOp) eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error {
	args, err := s.args(n, n.args, open)
	if err != nil {
		return err
	}
	out.Start(n.kind, s.n)
	out.Unit = n.unit
	out.Strict(s.n, args...)
	c.kernel(out, args, s.n, open)
	return nil
}

// equalOp is == or !=: of two sides of which one is null and one an error, the error
// is the outcome, which is how cel-go has it for these two and no other.
type equalOp struct{ kernel vector.Kernel }

func (c equalOp) eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error {
	args, err := s.args(n, n.args, open)
	if err != nil {
		return err
	}
	out.Start(vector.Bool, s.n)
	out.Equality(s.n, args[0], args[1])
	c.kernel(out, args, s.n, open)
	return nil
}

// junctionOp is && or ||: the right side is only asked where the left does not decide.
type junctionOp struct{ or bool }

func (j junctionOp) eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error {
	left, err := s.eval(n.args[0], open)
	if err != nil {
		return err
	}
	rest := s.rows()
	vector.Undecided(rest, left, j.or, open, s.n)
	out.Start(vector.Bool, s.n)
	if !rest.Any(s.n) {
		out.Strict(s.n, left)
		out.Take(left, s.n)
		return nil
	}
	right, err := s.eval(n.args[1], rest)
	if err != nil {
		return err
	}
	if j.or {
		vector.Or(out, left, right, s.n)
	} else {
		vector.And(out, left, right, s.n)
	}
	return nil
}

// ifOp is the ternary.
type ifOp struct{}

func (ifOp) eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error {
	cond, err := s.eval(n.args[0], open)
	if err != nil {
		return err
	}
	out.Start(n.kind, s.n)
	out.Clear()
	out.Unit = n.unit
	out.Strict(s.n, cond)
	for i, value := range []bool{true, false} {
		rows := s.rows()
		vector.Decided(rows, cond, value, open, s.n)
		if !rows.Any(s.n) {
			continue
		}
		branch, err := s.eval(n.args[1+i], rows)
		if err != nil {
			return err
		}
		out.Blend(branch, rows, s.n)
	}
	return nil
}

// coalesceOp is the first argument that is not null.
type coalesceOp struct{}

func (coalesceOp) eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error {
	out.Start(n.kind, s.n)
	out.Clear()
	out.Unit = n.unit
	rest := open
	for i, arg := range n.args {
		v, err := s.eval(arg, rest)
		if err != nil {
			return err
		}
		null := s.rows()
		vector.Nulls(null, v, rest, s.n)
		taken := s.rows()
		for w := range taken {
			taken[w] = vector.Mask(w, s.n)
			if rest != nil {
				taken[w] &= rest[w]
			}
			if i < len(n.args)-1 {
				taken[w] &^= null[w]
			}
		}
		out.Blend(v, taken, s.n)
		if rest = null; !rest.Any(s.n) {
			break
		}
	}
	return nil
}

// isNullOp is x == null.
type isNullOp struct{}

func (isNullOp) eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error {
	arg, err := s.eval(n.args[0], open)
	if err != nil {
		return err
	}
	out.Start(vector.Bool, s.n)
	vector.IsNull(out, arg, s.n)
	return nil
}

// timeDifferenceOp is the duration between its first two arguments; where it might
// overflow it is the third, which asks cel-go.
type timeDifferenceOp struct{}

func (timeDifferenceOp) eval(s *scope, n *node, out *vector.Vector, open vector.Bits) error {
	args, err := s.args(n, n.args[:2], open)
	if err != nil {
		return err
	}
	out.Start(vector.Duration, s.n)
	out.Strict(s.n, args...)
	if vector.SubTimes(out, args, s.n) {
		return nil
	}
	exact, err := s.eval(n.args[2], open)
	if err != nil {
		return err
	}
	out.Start(vector.Duration, s.n)
	out.Strict(s.n, exact)
	out.Take(exact, s.n)
	return nil
}
