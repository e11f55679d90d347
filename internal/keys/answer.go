package keys

import (
	"context"
	"errors"

	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/pipeline"
)

// Group is some of the keys.
type Group struct {
	// Keys is how many there are, Rows on how many rows.
	Keys, Rows int64
	// Samples are a few of them: of a log with positions those that come first, else those
	// with the least hashes.
	Samples []Sample
}

// Sample is a key, on how many rows it is and, of a log with positions, the first of them
// and, if there are more, the second.
type Sample struct {
	Key           xxh3.Uint128
	Rows          int64
	First, Second uint64
}

// Counts is what there is to say of the keys of a log. Of a set it is as if each had been
// added once.
type Counts struct {
	Rows     int64 // all that were added
	Distinct int64 // different keys
	Once     int64 // keys that occur once
	Repeated Group // keys that occur more than once, with all their rows
}

// Count counts the keys of a log, with at most n samples. More keys may be added after it.
// An error is of the disk (pipeline.IO) or the context's.
func (l *Log) Count(ctx context.Context, n int) (Counts, error) {
	all := Counts{Rows: l.rows}
	repeated := sampler{n: n, at: l.positions}
	a := answer{ctx: ctx, child: l}
	a.read = func(t *table) {
		all.Distinct += int64(t.used)
		if l.set {
			all.Once += int64(t.used)
			return
		}
		once := int64(t.used - t.again)
		all.Once += once
		repeated.Keys, repeated.Rows = repeated.Keys+int64(t.again), repeated.Rows+t.total-once
		if t.again > 0 && n > 0 {
			repeated.look(t)
		}
	}
	if err := a.run(n > 0); err != nil {
		return Counts{}, err
	}
	all.Repeated = repeated.Group
	return all, nil
}

// Match is how the rows of a log, the child, are related to the keys of another.
type Match struct {
	Missing Group // keys of the child that the parent does not have
	Present Group // keys of the child that the parent has
}

// Match looks the keys of a log up in another of the same store, with at most n samples of
// each sort. Errors are as those of Count.
func (l *Log) Match(ctx context.Context, parent *Log, n int) (Match, error) {
	missing, present := sampler{n: n, at: l.positions}, sampler{n: n, at: l.positions}
	a := answer{ctx: ctx, child: l, parent: parent}
	a.read = func(t *table) {
		for i := range t.slots {
			rows := t.slots[i].rows()
			if l.set {
				rows = min(rows, 1) // a key may be in several blocks of a set
			}
			switch {
			case rows == 0:
			case t.slots[i].n&inParent != 0:
				present.add(t, i, rows)
			default:
				missing.add(t, i, rows)
			}
		}
	}
	if err := a.run(n > 0); err != nil {
		return Match{}, err
	}
	return Match{missing.Group, present.Group}, nil
}

// answer is a pass over all keys of a log, and of its parent if it has one.
type answer struct {
	ctx           context.Context
	child, parent *Log
	read          func(*table) // of the keys of a range that the table has

	table table
	in    [2]*buffer
	depth int   // how often the last partition that was cut was cut
	large int64 // how many keys it had, equal ones too
	seen  int64
}

var errFull = errors.New("the table is full")

func (a *answer) run(samples bool) (err error) {
	store := a.child.store
	if err := a.settle(); err != nil {
		return err
	}
	a.table = table{store: store, positions: samples && a.child.positions}
	defer a.table.drop()
	store.borrow(2*readBytes, true)
	defer store.repay(2 * readBytes)
	for i, l := range a.logs() {
		a.in[i] = newBuffer(l.positions)
	}
	for p := range parts {
		if err := a.partition(p); err != nil {
			return err
		}
	}
	if !a.child.set && a.seen != a.child.rows {
		return pipeline.Errorf(pipeline.Internal, "keys: %d of %d rows were counted", a.seen, a.child.rows)
	}
	return nil
}

func (a *answer) logs() []*Log {
	if a.parent == nil {
		return []*Log{a.child}
	}
	return []*Log{a.child, a.parent}
}

func (a *answer) settle() error {
	for _, l := range a.logs() {
		if err := l.settle(); err != nil {
			return err
		}
	}
	return nil
}

// partition answers for a partition, in as many ranges as the budget wants. What worked
// for one is tried first for the next that is about as large.
func (a *answer) partition(p int) error {
	size, depth := a.size(p), 0
	if size > a.large/2 {
		depth = a.depth
	}
	cut := depth
	for n := range uint64(1) << (cutBits * depth) {
		deepest, err := a.span(keyRange{p, depth, n})
		if err != nil {
			return err
		}
		cut = max(cut, deepest)
	}
	if cut > depth {
		a.depth, a.large = min(cut, maxFirstDepth), size
	}
	return nil
}

// size is how many keys a partition has in both logs, equal ones too.
func (a *answer) size(p int) (n int64) {
	for _, l := range a.logs() {
		n += l.size(p)
	}
	return n
}

const cutBits = 2 // a range is cut into four

// keyRange is the keys of a partition whose next bits, depth times cutBits of them, are n.
type keyRange struct {
	part  int
	depth int
	n     uint64
}

func (r keyRange) has(h xxh3.Uint128) bool {
	return r.depth == 0 || h.Hi<<partBits>>(64-cutBits*r.depth) == r.n
}

// span answers for a range. If there is no room for its keys, what the logs have in memory
// makes place first; then it is cut. It gives how often, with the cuts before.
func (a *answer) span(r keyRange) (deepest int, err error) {
	a.table.must = (r.depth+1)*cutBits > 64-partBits
	err = a.fill(r)
	if errors.Is(err, errFull) {
		if err = a.makePlace(); err == nil {
			err = a.fill(r)
		}
	}
	if err == nil {
		a.read(&a.table)
	}
	if !errors.Is(err, errFull) {
		return r.depth, err
	}
	for n := range uint64(1) << cutBits {
		d, err := a.span(keyRange{r.part, r.depth + 1, r.n<<cutBits | n})
		if err != nil {
			return 0, err
		}
		deepest = max(deepest, d)
	}
	return deepest, nil
}

// maxFirstDepth bounds the ranges that a partition is cut into without trying.
const maxFirstDepth = 4

// makePlace spills what the logs have in memory; errFull says that they have nothing.
func (a *answer) makePlace() error {
	err := errFull
	for _, l := range a.logs() {
		if len(l.blocks) == 0 {
			continue
		}
		if err := l.spill(); err != nil {
			l.err = err
			return err
		}
		err = nil
	}
	return err
}

// fill puts the keys of a range into the table.
func (a *answer) fill(r keyRange) error {
	if err := a.ctx.Err(); err != nil {
		return err
	}
	a.table.start(a.size(r.part) >> (cutBits * r.depth))
	if a.parent != nil {
		err := a.parent.each(a.ctx, r, a.in[1], func(keys []xxh3.Uint128, _ []uint64) bool { return a.table.parents(keys) })
		if err != nil {
			return err
		}
	}
	err := a.child.each(a.ctx, r, a.in[0], a.table.count)
	if err == nil {
		a.seen += a.table.total
	}
	return err
}
