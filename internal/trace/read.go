package trace

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"sort"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/xxh3"
)

const (
	trailerBytes = 8 + 4 + len(magic)
	// maxFooter bounds the bytes of a footer, and maxBlock those of a block that is unpacked:
	// a run takes at most three bytes for its length and ten for its beginning.
	maxFooter = 64 << 20
	maxBlock  = BlockPlaces*13 + 16
	// maxGroupSizes bounds how many groups a source may have.
	maxGroupSizes = 1 << 28
)

// Reader reads a trace file. It is not safe for concurrent use.
type Reader struct {
	r      io.ReaderAt
	size   int64
	footer footer
	cache  map[*index]*cached
	sums   map[int]*sums // of groups
}

// cached is the block of a sequence that was read last.
type cached struct {
	block  int
	places []Place
}

// sums are how many places the groups up to each have together.
type sums []int64

// Open reads the footer of a file.
func Open(r io.ReaderAt, size int64) (*Reader, error) {
	t := &Reader{r: r, size: size, cache: map[*index]*cached{}, sums: map[int]*sums{}}
	head, end := make([]byte, len(magic)), make([]byte, trailerBytes)
	if size < int64(len(magic)+trailerBytes) {
		return nil, damaged("it has %d bytes", size)
	}
	if err := t.read(head, 0); err != nil {
		return nil, err
	}
	if err := t.read(end, size-int64(trailerBytes)); err != nil {
		return nil, err
	}
	if string(head) != magic || string(end[12:]) != magic {
		return nil, damaged("it does not begin and end as one does")
	}
	n := int64(binary.LittleEndian.Uint32(end[8:]))
	if n > maxFooter || n > size-int64(len(magic)+trailerBytes) {
		return nil, damaged("its footer has %d bytes", n)
	}
	packed := make([]byte, n)
	if err := t.read(packed, size-int64(trailerBytes)-n); err != nil {
		return nil, err
	}
	text, err := unpack(packed, binary.LittleEndian.Uint64(end), maxFooter)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &t.footer); err != nil {
		return nil, damaged("its footer: %v", err)
	}
	return t, t.check(size - int64(trailerBytes) - n)
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("the trace file is damaged: "+format, args...)
}

func (t *Reader) read(p []byte, at int64) error {
	if n, err := t.r.ReadAt(p, at); n < len(p) {
		return fmt.Errorf("can't read the trace file at %d: %w", at, err)
	}
	return nil
}

// unpack checks and decompresses bytes.
func unpack(packed []byte, sum uint64, most int) ([]byte, error) {
	if got := xxh3.Hash(packed); got != sum {
		return nil, damaged("a checksum is %016x, %016x is expected", got, sum)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(most)))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	raw, err := d.DecodeAll(packed, nil)
	if err != nil {
		return nil, damaged("%v", err)
	}
	return raw, nil
}

// check looks at what the footer says, before it is believed.
func (t *Reader) check(blocks int64) error {
	f := &t.footer
	for i := range f.Lanes {
		if err := f.Lanes[i].check(blocks); err != nil {
			return err
		}
		if f.Lanes[i].Places != f.Lanes[0].Places {
			return damaged("its lanes have %d and %d rows", f.Lanes[0].Places, f.Lanes[i].Places)
		}
	}
	for i := range f.Groups {
		g := &f.Groups[i]
		if err := g.Sizes.check(blocks); err != nil {
			return err
		}
		if err := g.Members.check(blocks); err != nil {
			return err
		}
		if g.Sizes.Places > maxGroupSizes || i > 0 && g.Source <= f.Groups[i-1].Source || g.Source < 0 {
			return damaged("groups %d: source %d of %d groups", i, g.Source, g.Sizes.Places)
		}
	}
	for i, in := range f.Inputs {
		if in.First < 0 || i > 0 && in.First < f.Inputs[i-1].First+int32(len(f.Inputs[i-1].Splits)) {
			return damaged("input %q begins with source %d", in.Name, in.First)
		}
		for _, s := range in.Splits {
			if s.File < 0 || s.File >= len(in.Files) || s.Row < -1 {
				return damaged("input %q has a split of file %d, row %d", in.Name, s.File, s.Row)
			}
		}
	}
	return nil
}

func (x *index) check(end int64) error {
	n := int64(0)
	for _, b := range x.Blocks {
		if b.Places < 1 || b.Places > BlockPlaces {
			return damaged("a block has %d places", b.Places)
		}
		x.starts = append(x.starts, n)
		n += b.Places
		if b.Offset < int64(len(magic)) || b.Bytes < 0 || b.Offset > end || b.Bytes > end-b.Offset || b.Bytes > maxBlock {
			return damaged("a block has %d bytes at %d", b.Bytes, b.Offset)
		}
	}
	if n != x.Places {
		return damaged("%d places are in blocks of %d", x.Places, n)
	}
	return nil
}

// Rows is of how many rows the file tells where they came from.
func (t *Reader) Rows() int64 {
	if len(t.footer.Lanes) == 0 {
		return 0
	}
	return t.footer.Lanes[0].Places
}

// at gives the i-th place of a sequence.
func (t *Reader) at(x *index, i int64) (Place, error) {
	if i < 0 || i >= x.Places {
		return None, damaged("it has no place %d of %d", i, x.Places)
	}
	n := sort.Search(len(x.starts), func(n int) bool { return x.starts[n] > i }) - 1
	b, err := t.block(x, n)
	if err != nil {
		return None, err
	}
	return b[i-x.starts[n]], nil
}

func (t *Reader) block(x *index, n int) ([]Place, error) {
	c := t.cache[x]
	if c != nil && c.block == n {
		return c.places, nil
	}
	b := x.Blocks[n]
	packed := make([]byte, b.Bytes)
	if err := t.read(packed, b.Offset); err != nil {
		return nil, err
	}
	raw, err := unpack(packed, b.Sum, maxBlock)
	if err != nil {
		return nil, err
	}
	places, err := decode(raw, int(b.Places))
	if err != nil {
		return nil, err
	}
	t.cache[x] = &cached{n, places}
	return places, nil
}

// decode gives the places of a block, which has want of them.
func decode(raw []byte, want int) ([]Place, error) {
	switch {
	case len(raw) > 0 && raw[0] == asRuns:
		return decodeRuns(raw[1:], want)
	case len(raw) > 0 && raw[0] == asBits:
		return decodeBits(raw[1:], want)
	}
	return nil, damaged("a block is of no known kind")
}

func decodeBits(raw []byte, want int) ([]Place, error) {
	first, k := binary.Uvarint(raw)
	if k <= 0 || first > 1<<62 {
		return nil, damaged("a block begins at place %d", first)
	}
	places := make([]Place, 0, want)
	for i, b := range raw[k:] {
		for ; b != 0; b &= b - 1 {
			if len(places) == want {
				return nil, damaged("a block has more than its %d places", want)
			}
			places = append(places, Place(first)+Place(8*i+bits.TrailingZeros8(b)))
		}
	}
	if len(places) != want {
		return nil, damaged("a block has %d places, %d are expected", len(places), want)
	}
	return places, nil
}

func decodeRuns(raw []byte, want int) ([]Place, error) {
	n, k := binary.Uvarint(raw)
	if k <= 0 || n > uint64(len(raw)-k) {
		return nil, damaged("a block has %d bytes of %d runs", len(raw), n)
	}
	lens, starts := raw[k:k+int(n)], raw[k+int(n):]
	places, end := make([]Place, 0, want), Place(0)
	for len(lens) > 0 {
		l, k := binary.Uvarint(lens)
		if k <= 0 || l>>1 == 0 || l>>1 > uint64(want-len(places)) {
			return nil, damaged("a block has more than its %d places", want)
		}
		lens = lens[k:]
		if l&1 == 1 {
			places = append(places, slices.Repeat([]Place{None}, int(l>>1))...)
			continue
		}
		delta, k := binary.Varint(starts)
		if k <= 0 {
			return nil, damaged("a block ends within a run")
		}
		starts = starts[k:]
		first := end + Place(delta)
		if end = first + Place(l>>1); first < 0 || end < first {
			return nil, damaged("a block has a place %d", first)
		}
		for p := first; p < end; p++ {
			places = append(places, p)
		}
	}
	if len(places) != want || len(starts) != 0 {
		return nil, damaged("a block has %d places, %d are expected", len(places), want)
	}
	return places, nil
}

// sizes gives how many places the groups up to each have together.
func (t *Reader) sizes(n int) (sums, error) {
	if known := t.sums[n]; known != nil {
		return *known, nil
	}
	g := &t.footer.Groups[n]
	all, total := make(sums, 0, min(g.Sizes.Places, 1<<20)), int64(0)
	for b := range g.Sizes.Blocks {
		sizes, err := t.block(&g.Sizes, b)
		if err != nil {
			return nil, err
		}
		for _, size := range sizes {
			if size < 0 || int64(size) > g.Members.Places-total {
				return nil, damaged("a group has %d places of %d", size, g.Members.Places)
			}
			total += int64(size)
			all = append(all, total)
		}
	}
	if total != g.Members.Places {
		return nil, damaged("its groups have %d places, and there are %d", total, g.Members.Places)
	}
	t.sums[n] = &all
	return all, nil
}

// group gives the range of the members of a group.
func (t *Reader) group(n int, row int64) (from, to int64, err error) {
	all, err := t.sizes(n)
	if err != nil {
		return 0, 0, err
	}
	if row >= int64(len(all)) {
		return 0, 0, damaged("it has no group %d of %d", row, len(all))
	}
	if row > 0 {
		from = all[row-1]
	}
	return from, all[row], nil
}

// source finds what a number stands for: an input, or groups.
func (t *Reader) source(n int32) (in *Input, groups int) {
	g, found := sort.Find(len(t.footer.Groups), func(i int) int { return int(n) - int(t.footer.Groups[i].Source) })
	if found {
		return nil, g
	}
	i := sort.Search(len(t.footer.Inputs), func(i int) bool { return t.footer.Inputs[i].First > n }) - 1
	if i >= 0 && int(n-t.footer.Inputs[i].First) < len(t.footer.Inputs[i].Splits) {
		return &t.footer.Inputs[i], -1
	}
	return nil, -1
}
