package compare

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// Matching says what Unequal compares, and with what.
type Matching struct {
	Env *pipeline.Env // Temp is a private directory
	FS  faults.FS     // nil: that of the machine
	// Columns are read of each side, of which the first Keys are the key. Their names may differ.
	Columns [2][]string
	Keys    int
	// Canonical gives columns as they are compared: as many for either side, the key first, of
	// types whose values can be the same. It borrows its argument and gives arrays that the
	// caller releases. Texts may come to it as dictionaries. It is called for batches side by
	// side, once for each row. Nil compares the columns as they are.
	Canonical func(side int, columns []arrow.Array) ([]arrow.Array, error)
	// NullKeys lets a row whose key has a null have a counterpart.
	NullKeys bool
	// WholeKeys leaves over all rows of a key, on both sides, of which one has no counterpart.
	WholeKeys bool
}

// Unmatched are the rows that have no counterpart on the other side: a row of its own with the
// same key and the same other columns.
type Unmatched struct {
	// Marks are they, by side and split; nil where there are none.
	Marks [2][]Marks
	// Rows is how many rows were read, by side and split.
	Rows [2][]int64
	// Equal is how many rows of each side are left out.
	Equal int64
}

// unequal is what Unequal does.
type unequal struct {
	*Matching
	in     [2]*pipeline.Input
	found  Unmatched
	tables tables

	mu    sync.Mutex // held for types
	types [2][]string
}

// runs tells the private files of several in one directory apart.
var runs atomic.Int64

// Unequal finds the rows of two inputs that have no counterpart. Of each row it keeps a hash of
// its key and one of all columns, and adds both into one of some buckets by that of the key: those
// of the left are added, those of the right subtracted. Where nothing is left, rows were the same
// on both sides, and only rows of other buckets are put together.
//
// Which of several rows that are the same have no counterpart: the last. Each split is read whole,
// once.
func Unequal(ctx context.Context, left, right *pipeline.Input, m Matching) (_ *Unmatched, err error) {
	if m.FS == nil {
		m.FS = faults.OS()
	}
	if m.Keys < 1 {
		return nil, pipeline.Errorf(pipeline.Internal, "rows are compared without a key")
	}
	u := &unequal{Matching: &m, in: [2]*pipeline.Input{left, right}}
	for side, in := range u.in {
		if len(in.Splits) >= splitMax {
			return nil, pipeline.Errorf(pipeline.Invalid, "%d row groups are too many to compare", len(in.Splits))
		}
		u.found.Rows[side], u.found.Marks[side] = make([]int64, len(in.Splits)), make([]Marks, len(in.Splits))
	}
	u.tables.size = u.buckets()
	name := fmt.Sprintf("unequal-%d", runs.Add(1))
	k := newKept(&m, name+".hashes")
	defer func() { err = errors.Join(err, k.close()) }()
	if err := u.hashAll(ctx, k); err != nil {
		return nil, err
	}
	differ := u.differ()
	if differ == nil {
		return &u.found, u.balance()
	}
	l := newLog(&Options{Env: m.Env, FS: m.FS}, 3, name+".rows")
	defer func() { err = errors.Join(err, l.close()) }()
	if err := u.logSome(ctx, k, l, differ); err != nil {
		return nil, err
	}
	if err := k.close(); err != nil {
		return nil, err
	}
	if err := u.group(ctx, l); err != nil {
		return nil, err
	}
	return &u.found, u.balance()
}

// balance makes sure that both sides have as many equal rows.
func (u *unequal) balance() error {
	var equal [2]int64
	for side := range u.in {
		for split, rows := range u.found.Rows[side] {
			equal[side] += rows - u.found.Marks[side][split].Count()
		}
	}
	if equal[0] != equal[1] {
		return pipeline.Errorf(pipeline.Internal, "rows were lost while they were compared: %d of the left are equal, and %d of the right", equal[0], equal[1])
	}
	u.found.Equal = equal[0]
	return nil
}

// splitAt is a split of a side.
type splitAt struct{ side, split int }

func (u *unequal) splits() (all []splitAt) {
	for side, in := range u.in {
		for split := range in.Splits {
			all = append(all, splitAt{side, split})
		}
	}
	return all
}

// hashAll reads both sides.
func (u *unequal) hashAll(ctx context.Context, k *kept) error {
	splits := u.splits()
	return pipeline.InOrder(ctx, u.Env, len(splits),
		func(ctx context.Context, i int) (*hashes, int64, error) {
			h, err := u.hashSplit(ctx, splits[i])
			if err != nil {
				return nil, 0, err
			}
			return h, h.bytes(), nil
		}, func(h *hashes) error {
			u.found.Rows[h.side][h.split], u.found.Marks[h.side][h.split] = int64(h.rows), h.marks
			return k.add(h)
		})
}

// maxAhead bounds for how many rows of a split there is room before they come.
const maxAhead = 1 << 20

func (u *unequal) hashSplit(ctx context.Context, at splitAt) (*hashes, error) {
	s := &u.in[at.side].Splits[at.split]
	columns := u.Columns[at.side]
	r, err := openColumns(ctx, u.Env, u.in[at.side].Schema, s, columns, nil)
	if err != nil {
		return nil, err
	}
	h := &hashes{splitAt: at}
	if s.Rows > 0 && !s.AtMost {
		n := min(s.Rows, maxAhead)
		h.keys, h.all = make([]uint64, 0, n), make([]uint64, 0, n)
	}
	t := u.tables.take()
	defer u.tables.give(t)
	var w hasher
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		raw := make([]arrow.Array, len(columns))
		for i, name := range columns {
			raw[i] = b.Column(b.Schema().FieldIndices(name)[0])
		}
		cols, err := u.canonical(at.side, raw)
		if err != nil {
			return err
		}
		defer release(cols)
		w.add(h, cols, u.Keys, int(b.NumRows()))
		from := h.rows
		h.rows += int(b.NumRows())
		if !u.NullKeys {
			h.markNulls(cols[:u.Keys], from)
		}
		t.add(h, from, at.side)
		return nil
	})
	w.release()
	return h, err
}

// canonical gives the columns as they are compared; the caller releases them.
func (u *unequal) canonical(side int, raw []arrow.Array) ([]arrow.Array, error) {
	if u.Canonical == nil {
		for _, c := range raw {
			c.Retain()
		}
		return raw, u.checkTypes(side, raw)
	}
	cols, err := u.Canonical(side, raw)
	if err != nil {
		return nil, err
	}
	if err := u.checkTypes(side, cols); err != nil {
		release(cols)
		return nil, err
	}
	return cols, nil
}

func release(cols []arrow.Array) {
	for _, c := range cols {
		c.Release()
	}
}

// checkTypes makes sure that no value is taken for another only because it is kept in another way.
func (u *unequal) checkTypes(side int, cols []arrow.Array) error {
	types := make([]string, len(cols))
	for i, c := range cols {
		types[i] = sort(c.DataType())
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.types[side] = types
	for other, known := range u.types {
		if known == nil {
			continue
		}
		if len(known) != len(types) {
			return pipeline.Errorf(pipeline.Internal, "%d columns are compared with %d", len(types), len(known))
		}
		for i, t := range types {
			if t != known[i] && t != "null" && known[i] != "null" {
				return pipeline.Errorf(pipeline.Internal, "column %d of side %d is a %s, and of side %d a %s: no value of one can be one of the other",
					i+1, side+1, t, other+1, known[i])
			}
		}
	}
	return nil
}

// logSome logs the rows of the buckets that differ: the hash of the key, that of all columns, and
// the place.
func (u *unequal) logSome(ctx context.Context, k *kept, l *log, differ Marks) error {
	if err := k.open(); err != nil {
		return err
	}
	mask := uint64(u.tables.size - 1)
	return pipeline.InOrder(ctx, u.Env, len(k.splits),
		func(_ context.Context, i int) (*block, int64, error) {
			h, err := k.read(i)
			if err != nil {
				return nil, 0, err
			}
			nulls := u.found.Marks[h.side][h.split]
			wanted := func(row int, key uint64) bool {
				return differ.Has(int64(key&mask)) && (nulls == nil || !nulls.Has(int64(row)))
			}
			n := 0
			for row, key := range h.keys {
				if wanted(row, key) {
					n++
				}
			}
			e := entries{make([]uint64, 0, 3*n), 3}
			for row, key := range h.keys {
				if wanted(row, key) {
					e.words = append(e.words, key, h.all[row], word(h.side, h.split, int64(row)))
				}
			}
			b := arrange(e)
			return b, b.bytes(), nil
		}, l.add)
}

// group puts the rows that were logged together, and marks those that are left over.
func (u *unequal) group(ctx context.Context, l *log) error {
	if err := l.open(); err != nil {
		return err
	}
	return pipeline.InOrder(ctx, u.Env, parts,
		func(_ context.Context, p int) ([]uint64, int64, error) {
			e, err := l.part(p)
			if err != nil {
				return nil, 0, err
			}
			bytes := int64(len(e.words))*8 + groupBytes(e.len())
			u.Env.Memory.Force(bytes)
			defer u.Env.Memory.Give(bytes)
			left := leftOver(e, u.WholeKeys)
			return left, int64(len(left)) * 8, nil
		}, func(left []uint64) error {
			for _, w := range left {
				at := place(w)
				mark(&u.found.Marks[w>>63][at.Split], u.found.Rows[w>>63][at.Split], at.Row)
			}
			return nil
		})
}

// mark sets a mark, making them where there are none yet.
func mark(m *Marks, rows, row int64) {
	if *m == nil {
		*m = newMarks(rows)
	}
	m.set(row)
}
