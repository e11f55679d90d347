package keys

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

const bufferBytes = 48 << 10 // of reading and writing; whole keys, with and without position

// spill is the file of a store, made when something is first spilled.
type spill struct {
	fs  faults.FS
	dir string

	mu   sync.Mutex // held while a segment is written
	path string
	file faults.File
	back faults.Opened // the same file, to be read
	size int64
	err  error // of a write: what came after it would not be where it should
}

// segment is some keys in the file, in the order of their partitions.
type segment struct {
	start int64
	from  [parts + 1]uint32 // of each partition, counted in keys
	sums  [parts]uint64     // xxh3 of its bytes
}

const segmentBytes = 8 + 4*(parts+1) + 8*parts

// write appends the blocks as one segment.
func (s *spill) write(blocks []*block) (*segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = s.create()
	}
	if s.err != nil {
		return nil, s.err
	}
	seg := &segment{start: s.size}
	w := &sectionWriter{spill: s, buf: make([]byte, 0, bufferBytes)}
	for p := range parts {
		w.sum.Reset()
		seg.from[p+1] = seg.from[p]
		for _, b := range blocks {
			keys, at := b.section(p)
			seg.from[p+1] += uint32(len(keys))
			w.add(keys, at)
		}
		w.sumUp()
		seg.sums[p] = w.sum.Sum64()
	}
	w.flush()
	if s.err = w.err; s.err != nil {
		s.err = failed("spilling keys", s.err)
		return nil, s.err
	}
	return seg, nil
}

// create makes the file, under the first name that is free, if it is not there yet.
func (s *spill) create() error {
	for n := 0; s.file == nil; n++ {
		path := filepath.Join(s.dir, fmt.Sprintf("keys-%d.spill", n))
		file, err := s.fs.Create(path)
		switch {
		case err == nil:
			s.path, s.file = path, file
		case !errors.Is(err, fs.ErrExist):
			return failed("spilling keys", err)
		}
	}
	return nil
}

// sectionWriter encodes keys. The sum is of what was added since it was reset.
type sectionWriter struct {
	spill  *spill
	buf    []byte
	summed int // bytes of buf that are in sum
	sum    xxh3.Hasher
	err    error
}

func (w *sectionWriter) add(keys []xxh3.Uint128, at []uint64) {
	for i, h := range keys {
		if len(w.buf)+keyBytes+atBytes > cap(w.buf) {
			w.flush()
		}
		w.buf = binary.LittleEndian.AppendUint64(w.buf, h.Hi)
		w.buf = binary.LittleEndian.AppendUint64(w.buf, h.Lo)
		if at != nil {
			w.buf = binary.LittleEndian.AppendUint64(w.buf, at[i])
		}
	}
}

// sumUp takes what is in the buffer into the sum.
func (w *sectionWriter) sumUp() {
	_, _ = w.sum.Write(w.buf[w.summed:]) // never fails
	w.summed = len(w.buf)
}

// flush writes what is in the buffer.
func (w *sectionWriter) flush() {
	w.sumUp()
	if w.err == nil {
		var n int
		n, w.err = w.spill.file.Write(w.buf)
		w.spill.size += int64(n)
	}
	w.buf, w.summed = w.buf[:0], 0
}

// open opens the file to be read.
func (s *spill) open() (io.ReaderAt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.back == nil {
		back, err := s.fs.Open(s.path)
		if err != nil {
			return nil, failed("reading spilled keys", err)
		}
		s.back = back
	}
	return s.back, nil
}

// each gives the keys of a partition of a segment, a buffer at a time, and at last says
// if they are not what was written: what came before is of no use then.
func (s *spill) each(ctx context.Context, seg *segment, p int, in *buffer, f func([]xxh3.Uint128, []uint64) error) error {
	from, end := int64(seg.from[p]), int64(seg.from[p+1])
	if from == end {
		return nil
	}
	file, err := s.open()
	if err != nil {
		return err
	}
	var sum xxh3.Hasher
	for from < end {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(int64(len(in.raw)/in.width), end-from)
		raw := in.raw[:n*int64(in.width)]
		if n, err := file.ReadAt(raw, seg.start+from*int64(in.width)); n < len(raw) {
			return failed("reading spilled keys", err)
		}
		_, _ = sum.Write(raw) // never fails
		if err := f(in.decode(raw)); err != nil {
			return err
		}
		from += n
	}
	if got := sum.Sum64(); got != seg.sums[p] {
		return pipeline.Errorf(pipeline.IO, "spilled keys: checksum of partition %d is %016x, %016x was written", p, got, seg.sums[p]).
			With(s.path+" was damaged while the run went on", "run it again; if it happens again the disk is not to be trusted")
	}
	return nil
}

// buffer is where keys are read to.
type buffer struct {
	raw   []byte
	width int // bytes of a key with its position
	keys  []xxh3.Uint128
	at    []uint64

	picked   []xxh3.Uint128
	pickedAt []uint64
}

const readBytes = 3 * bufferBytes // of a buffer, with what is decoded

func newBuffer(positions bool) *buffer {
	b := &buffer{raw: make([]byte, bufferBytes), width: keyBytes}
	if positions {
		b.width += atBytes
	}
	return b
}

func (b *buffer) decode(raw []byte) ([]xxh3.Uint128, []uint64) {
	b.keys, b.at = b.keys[:0], b.at[:0]
	for ; len(raw) > 0; raw = raw[b.width:] {
		b.keys = append(b.keys, xxh3.Uint128{Hi: binary.LittleEndian.Uint64(raw), Lo: binary.LittleEndian.Uint64(raw[8:])})
		if b.width > keyBytes {
			b.at = append(b.at, binary.LittleEndian.Uint64(raw[16:]))
		}
	}
	if b.width == keyBytes {
		return b.keys, nil
	}
	return b.keys, b.at
}

func (s *spill) close() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.back != nil {
		err = s.back.Close()
	}
	if s.file != nil {
		err = errors.Join(err, s.file.Close(), s.fs.RemoveAll(s.path))
	}
	s.back, s.file = nil, nil
	s.err = pipeline.Errorf(pipeline.Internal, "the store of keys is closed")
	if err != nil {
		return failed("removing spilled keys", err)
	}
	return nil
}
