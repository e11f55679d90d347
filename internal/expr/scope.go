package expr

import (
	"context"
	"errors"

	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr/vector"
)

// A scope is the evaluation of a group on one batch, a chunk after the other. It keeps
// its memory for the next batch.
type scope struct {
	group  *Group
	ctx    context.Context
	meter  *vector.Meter
	cols   []arrow.Array
	total  int
	from   int // the chunk's first row
	n      int // the chunk's rows
	chunk  int // number of the chunk
	vecs   []vector.Vector
	states []state
	dicts  map[int]*dictionary // by column; nil for one that is none
	inners map[int]*scope      // by column, over the values of its dictionary
	tables []*vector.Table     // by node
	memos  []*memo             // by node
	argv   [][]*vector.Vector  // by node
	spare  []vector.Bits
	used   int // of spare
	inner  bool
}

// state says for which rows of which chunk a node's vector is good.
type state struct {
	chunk int
	all   bool
	open  vector.Bits
}

// dictionary is what is known of a column in this batch: values is nil if it is neither
// a dictionary nor run-end encoded.
type dictionary struct {
	known   bool
	values  arrow.Array
	indexes []int32
	room    []int32 // for indexes, if they are not the array's own
}

func newScope(g *Group) *scope {
	return &scope{
		group: g, vecs: make([]vector.Vector, len(g.nodes)), states: make([]state, len(g.nodes)),
		tables: make([]*vector.Table, len(g.nodes)), memos: make([]*memo, len(g.nodes)),
		argv: make([][]*vector.Vector, len(g.nodes)), dicts: map[int]*dictionary{}, inners: map[int]*scope{},
	}
}

// open begins a batch, which the scope refers to until it is closed.
func (s *scope) open(ctx context.Context, batch arrow.RecordBatch) (closed func()) {
	meter := &vector.Meter{Limit: maxTexts}
	s.begin(ctx, meter, batch.Columns(), int(batch.NumRows()))
	watched := context.AfterFunc(ctx, func() { meter.Halted.Store(true) })
	return func() {
		watched()
		s.close()
	}
}

func (s *scope) begin(ctx context.Context, meter *vector.Meter, cols []arrow.Array, rows int) {
	s.ctx, s.meter, s.cols, s.total, s.from, s.n = ctx, meter, cols, rows, 0, 0
	for i := range s.vecs {
		s.vecs[i].Meter = meter
	}
}

func (s *scope) close() {
	for i := range s.vecs {
		s.vecs[i].Forget()
		if s.memos[i] != nil {
			s.memos[i].reset()
		}
		s.tables[i] = nil
	}
	for _, in := range s.inners {
		in.close()
	}
	for _, d := range s.dicts {
		d.known, d.values, d.indexes = false, nil, nil
	}
	s.cols, s.ctx = nil, nil
}

// next goes to the next chunk.
func (s *scope) next() bool {
	s.from += s.n
	s.n = min(vector.Chunk, s.total-s.from)
	s.chunk++
	s.used = 0
	return s.n > 0
}

// stopped gives the reason why the evaluation has to end, or nil.
func (s *scope) stopped() error {
	switch {
	case !s.meter.Over():
		return nil
	case s.meter.Made > s.meter.Limit:
		return errTooMuch
	}
	if cause := context.Cause(s.ctx); errors.Is(cause, errTooSlow) {
		return cause
	}
	return s.ctx.Err()
}

// rows gives a bitmap for the rows of the chunk, which is good until the next chunk.
func (s *scope) rows() vector.Bits {
	if s.used == len(s.spare) {
		s.spare = append(s.spare, make(vector.Bits, vector.Words(vector.Chunk)))
	}
	s.used++
	return s.spare[s.used-1][:vector.Words(s.n)]
}

// eval gives the outcome of a node on the open rows of the chunk; nil is all. The
// vector is the scope's, and good until the next chunk.
func (s *scope) eval(n *node, open vector.Bits) (*vector.Vector, error) {
	if c, ok := n.op.(*constOp); ok {
		return &c.vec, nil
	}
	st, out := &s.states[n.id], &s.vecs[n.id]
	if st.chunk == s.chunk {
		if st.all || open != nil && open.Within(st.open, s.n) {
			return out, nil
		}
		open = s.union(open, st.open)
	}
	if err := s.compute(n, out, open); err != nil {
		return nil, err
	}
	st.chunk, st.all = s.chunk, open == nil
	if open != nil {
		st.open = append(st.open[:0], open...)
	}
	return out, nil
}

// union are the rows that are newly asked for and those that were before, for a vector
// that is computed again must stay good for who asked before.
func (s *scope) union(open, before vector.Bits) vector.Bits {
	if open == nil {
		return nil
	}
	all := s.rows()
	for w := range all {
		all[w] = open[w] | before[w]
	}
	return all
}

func (s *scope) compute(n *node, out *vector.Vector, open vector.Bits) error {
	if n.column < 0 || s.inner {
		return n.op.eval(s, n, out, open)
	}
	d := s.dictionary(n.column)
	_, leaf := n.op.(columnOp)
	if d == nil || !leaf && d.values.Len() > s.total {
		return n.op.eval(s, n, out, open)
	}
	t, err := s.table(n, d)
	if err != nil {
		return err
	}
	out.Start(n.kind, s.n)
	if truth, all := t.All(); all && s.cols[n.column].NullN() == 0 {
		out.Bits.Fill(truth, s.n)
		return nil
	}
	if err := s.findIndexes(n.column, d); err != nil {
		return err
	}
	out.Gather(t, d.indexes[s.from:s.from+s.n], s.n)
	return nil
}

// findIndexes reads the indexes of a dictionary, once a batch: where every value has the
// same outcome nobody asks for them.
func (s *scope) findIndexes(column int, d *dictionary) (err error) {
	if d.indexes == nil {
		d.indexes, _, err = vector.Indexes(&d.room, s.cols[column])
	}
	return err
}

// args evaluates some arguments of a node.
func (s *scope) args(n *node, of []*node, open vector.Bits) ([]*vector.Vector, error) {
	if s.argv[n.id] == nil {
		s.argv[n.id] = make([]*vector.Vector, len(n.args))
	}
	args := s.argv[n.id][:len(of)]
	for i, arg := range of {
		var err error
		if args[i], err = s.eval(arg, open); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// dictionary gives the dictionary of a column, or nil if it is none in this batch.
func (s *scope) dictionary(column int) *dictionary {
	d := s.dicts[column]
	if d == nil {
		d = &dictionary{}
		s.dicts[column] = d
	}
	if !d.known {
		switch a := s.cols[column].(type) {
		case *array.Dictionary:
			d.values = a.Dictionary()
		case *array.RunEndEncoded:
			d.values = a.Values()
		}
		d.known = true
	}
	if d.values == nil {
		return nil
	}
	return d
}

// table evaluates a node that reads one column on the values of its dictionary, and on
// null.
func (s *scope) table(n *node, d *dictionary) (*vector.Table, error) {
	if s.tables[n.id] != nil {
		return s.tables[n.id], nil
	}
	in := s.inners[n.column]
	if in == nil {
		in = newScope(s.group)
		in.inner = true
		s.inners[n.column] = in
	}
	cols := make([]arrow.Array, len(s.cols))
	cols[n.column] = d.values
	in.begin(s.ctx, s.meter, cols, d.values.Len()+1)
	var all vector.Vector
	for in.next() {
		v, err := in.eval(n, nil)
		if err != nil {
			return nil, err
		}
		all.Append(v, in.from, in.n)
		if err := s.stopped(); err != nil {
			return nil, err
		}
	}
	s.tables[n.id] = vector.NewTable(&all, in.total)
	return s.tables[n.id], nil
}

// load reads the chunk's rows of a column. The row past the last, which only the scope
// of a dictionary has, is null.
func (s *scope) load(column int, out *vector.Vector) error {
	a := s.cols[column]
	past := s.from+s.n > a.Len()
	n := s.n
	if past {
		n--
	}
	if vector.KindOf(a.DataType()) == vector.Other {
		out.Start(vector.Other, s.n)
		get := values(a)
		for i := range n {
			v := get(s.from + i)
			if out.Any[i] = v; types.IsUnknown(v) {
				out.SetNull(i, s.n)
			}
		}
	} else if past {
		out.LoadPast(a, s.from, n)
	} else {
		out.Load(a, s.from, n)
	}
	if past {
		out.SetNull(n, s.n)
	}
	return nil
}
