package keys

import (
	"context"

	"github.com/zeebo/xxh3"
)

// size is how many keys a partition has, equal ones too.
func (l *Log) size(p int) (n int64) {
	for _, b := range l.blocks {
		n += int64(b.from[p+1] - b.from[p])
	}
	for _, s := range l.segments {
		n += int64(s.from[p+1] - s.from[p])
	}
	return n
}

// each gives the keys of a range, in no order, until f says that there is no room.
func (l *Log) each(ctx context.Context, r keyRange, in *buffer, f func([]xxh3.Uint128, []uint64) bool) error {
	part := func(keys []xxh3.Uint128, at []uint64) error {
		if r.depth > 0 {
			keys, at = in.pick(r, keys, at)
		}
		if !f(keys, at) {
			return errFull
		}
		return nil
	}
	for _, b := range l.blocks {
		if err := part(b.section(r.part)); err != nil {
			return err
		}
	}
	for _, s := range l.segments {
		if err := l.store.spill.each(ctx, s, r.part, in, part); err != nil {
			return err
		}
	}
	return nil
}

// pick gives those of the keys that are in a range. They may be the buffer's own.
func (b *buffer) pick(r keyRange, keys []xxh3.Uint128, at []uint64) ([]xxh3.Uint128, []uint64) {
	b.picked, b.pickedAt = b.picked[:0], b.pickedAt[:0]
	for i, h := range keys {
		if !r.has(h) {
			continue
		}
		b.picked = append(b.picked, h)
		if at != nil {
			b.pickedAt = append(b.pickedAt, at[i])
		}
	}
	return b.picked, b.pickedAt
}

// sampler gathers a group.
type sampler struct {
	Group
	n  int
	at bool // the least positions, not the least hashes
}

// look samples the keys of a table that are on more than one row.
func (s *sampler) look(t *table) {
	for i := range t.slots {
		if rows := t.slots[i].rows(); rows > 1 {
			s.sample(t, i, rows)
		}
	}
}

// add takes in the key of a slot, which is on so many rows.
func (s *sampler) add(t *table, i int, rows int64) {
	s.Keys++
	s.Rows += rows
	if s.n > 0 {
		s.sample(t, i, rows)
	}
}

func (s *sampler) sample(t *table, i int, rows int64) {
	one := Sample{Key: xxh3.Uint128{Hi: t.slots[i].hi, Lo: t.slots[i].lo}, Rows: rows}
	if s.at {
		one.First = t.spans[i].first
		if one.Rows > 1 {
			one.Second = t.spans[i].second
		}
	}
	s.keep(one)
}

// keep puts a sample in its place, if it has one.
func (s *sampler) keep(one Sample) {
	to := len(s.Samples)
	if to == s.n && !s.before(one, s.Samples[to-1]) {
		return
	}
	if to < s.n {
		s.Samples = append(s.Samples, one)
	} else {
		to--
	}
	for ; to > 0 && s.before(one, s.Samples[to-1]); to-- {
		s.Samples[to] = s.Samples[to-1]
	}
	s.Samples[to] = one
}

func (s *sampler) before(a, b Sample) bool {
	if s.at && a.First != b.First {
		return a.First < b.First
	}
	return a.Key.Hi < b.Key.Hi || a.Key.Hi == b.Key.Hi && a.Key.Lo < b.Key.Lo
}
