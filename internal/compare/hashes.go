package compare

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// hashes are of the rows of a split, in their order: of their keys, and of all columns. Two keys
// that differ may have the same one: then their rows are told apart by the other.
type hashes struct {
	splitAt
	rows      int
	keys, all []uint64
	marks     Marks // rows whose key has a null, where these have no counterpart
}

func (h *hashes) bytes() int64 { return int64(cap(h.keys)+cap(h.all)) * 8 }

// markNulls marks rows from one on whose key has a null.
func (h *hashes) markNulls(key []arrow.Array, from int) {
	for _, c := range key {
		if c.NullN() == 0 && c.DataType().ID() != arrow.NULL && c.DataType().ID() != arrow.DICTIONARY {
			continue
		}
		for i := range c.Len() {
			if nullAt(c, i) {
				h.marks = h.marks.grown(int64(h.rows))
				h.marks.set(int64(from + i))
			}
		}
	}
	if h.marks != nil {
		h.marks = h.marks.grown(int64(h.rows))
	}
}

// nullAt reports whether a value is null, which a dictionary may say in two ways.
func nullAt(c arrow.Array, i int) bool {
	if c.IsNull(i) || c.DataType().ID() == arrow.NULL {
		return true
	}
	d, is := c.(*array.Dictionary)
	return is && d.Dictionary().IsNull(d.GetValueIndex(i))
}

// hasher hashes the rows of a split.
type hasher struct {
	one  []uint64
	dict []dictionary // by column
}

// dictionary is the hashes of one that was met last.
type dictionary struct {
	data arrow.ArrayData
	of   []uint64
}

func (w *hasher) release() {
	for _, d := range w.dict {
		if d.data != nil {
			d.data.Release()
		}
	}
}

// add hashes the n rows of a batch.
func (w *hasher) add(h *hashes, cols []arrow.Array, keys, n int) {
	from := len(h.keys)
	h.keys, h.all = slices.Grow(h.keys, n)[:from+n], slices.Grow(h.all, n)[:from+n]
	if w.dict == nil {
		w.dict = make([]dictionary, len(cols))
	}
	key, all := h.keys[from:], h.all[from:]
	for i, c := range cols {
		w.column(i, c)
		one := w.one[:len(all)]
		switch {
		case i == 0:
			for j, v := range one {
				key[j], all[j] = fold(keyHi, v), fold(rest, v)
			}
		case i < keys:
			for j, v := range one {
				key[j], all[j] = fold(key[j], v), fold(all[j], v)
			}
		default:
			for j, v := range one {
				all[j] = fold(all[j], v)
			}
		}
	}
}

// column hashes a column, of a dictionary the values once.
func (w *hasher) column(i int, c arrow.Array) {
	d, is := c.(*array.Dictionary)
	if !is {
		w.one = hashColumn(w.one, c, rest)
		return
	}
	known := &w.dict[i]
	if data := d.Data().Dictionary(); known.data != data {
		if known.data != nil {
			known.data.Release()
		}
		data.Retain() // lest another one is made in its place
		known.data, known.of = data, hashColumn(known.of, d.Dictionary(), rest)
	}
	w.one = sized(w.one, d.Len())
	if d.NullN() == 0 {
		switch at := d.Indices().(type) {
		case *array.Uint32:
			pickHashes(w.one, known.of, at.Uint32Values())
			return
		case *array.Int32:
			pickHashes(w.one, known.of, at.Int32Values())
			return
		}
	}
	null := mix(nullWord ^ rest)
	for j := range w.one {
		if w.one[j] = null; d.IsValid(j) {
			w.one[j] = known.of[d.GetValueIndex(j)]
		}
	}
}

func pickHashes[T int32 | uint32](to, of []uint64, at []T) {
	for j, v := range at {
		to[j] = of[v]
	}
}

// kept keeps hashes within a share of a budget, and the others in a private file.
type kept struct {
	memory *pipeline.Budget
	share  int64
	fs     faults.FS
	path   string

	splits []*keptSplit
	held   int64
	file   faults.File
	back   faults.Opened
	size   int64
}

// keptSplit is in memory, or at a place of the file.
type keptSplit struct {
	*hashes
	file int64 // -1 in memory
	sum  uint64
}

func newKept(m *Matching, name string) *kept {
	return &kept{memory: m.Env.Memory, share: m.Env.Memory.Limit() / 3, fs: m.FS, path: filepath.Join(m.Env.Temp, name)}
}

// add takes hashes over.
func (k *kept) add(h *hashes) error {
	one := &keptSplit{h, -1, 0}
	k.splits = append(k.splits, one)
	if k.held+h.bytes() <= k.share && k.memory.Take(h.bytes()) {
		k.held += h.bytes()
		return nil
	}
	if err := k.spill(one); err != nil {
		return pipeline.Errorf(pipeline.IO, "spilling rows to compare: %w", err).
			With("what doesn't fit in memory is kept in a file of the project: free disk space, or give more memory with --memory")
	}
	return nil
}

func (k *kept) spill(one *keptSplit) (err error) {
	if k.file == nil {
		if k.file, err = k.fs.Create(k.path); err != nil {
			return err
		}
	}
	buf := make([]byte, 0, 16*one.rows)
	for _, words := range [][]uint64{one.keys, one.all} {
		for _, w := range words {
			buf = binary.LittleEndian.AppendUint64(buf, w)
		}
	}
	one.file, one.sum = k.size, xxh3.Hash(buf)
	one.hashes = &hashes{splitAt: one.splitAt, rows: one.rows}
	n, err := k.file.Write(buf)
	k.size += int64(n)
	return err
}

// open makes what was written readable; then nothing more is added.
func (k *kept) open() (err error) {
	if k.file != nil && k.back == nil {
		k.back, err = k.fs.Open(k.path)
	}
	return err
}

// read gives the hashes of a split.
func (k *kept) read(i int) (*hashes, error) {
	one := k.splits[i]
	if one.file < 0 {
		return one.hashes, nil
	}
	buf := make([]byte, 16*one.rows)
	if n, err := k.back.ReadAt(buf, one.file); n < len(buf) {
		return nil, pipeline.Errorf(pipeline.IO, "reading rows to compare: %w", err)
	}
	if xxh3.Hash(buf) != one.sum {
		return nil, pipeline.Errorf(pipeline.IO, "%s was damaged while rows were compared", k.path).
			With("compare again; if it happens again the disk is not to be trusted")
	}
	words := make([]uint64, 0, 2*one.rows)
	for ; len(buf) > 0; buf = buf[8:] {
		words = append(words, binary.LittleEndian.Uint64(buf))
	}
	return &hashes{splitAt: one.splitAt, rows: one.rows, keys: words[:one.rows], all: words[one.rows:]}, nil
}

// close gives the memory back and removes the file.
func (k *kept) close() (err error) {
	k.memory.Give(k.held)
	k.held, k.splits = 0, nil
	if k.back != nil {
		err = k.back.Close()
	}
	if k.file != nil {
		err = errors.Join(err, k.file.Close(), k.fs.RemoveAll(k.path))
	}
	k.file, k.back = nil, nil
	return err
}
