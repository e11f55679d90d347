package compare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// parts is how many parts rows are logged in, by the first bits of the hash of their key.
const parts = 256

// entries are what is known of rows: width words each, of which the first has the bits by which
// they are put together.
type entries struct {
	words []uint64
	width int
}

func (e entries) len() int { return len(e.words) / e.width }

func (e entries) at(i int) []uint64 { return e.words[i*e.width : (i+1)*e.width] }

// block is entries in the order of their parts; in memory, or at a place of the file.
type block struct {
	entries
	from [parts + 1]int
	file int64         // -1 in memory
	sums [parts]uint64 // of what is in the file
}

// arrange puts entries in the order of their parts.
func arrange(e entries) *block {
	b := &block{entries: entries{make([]uint64, len(e.words)), e.width}, file: -1}
	for i := range e.len() {
		b.from[e.words[i*e.width]>>56+1]++
	}
	for p := range parts {
		b.from[p+1] += b.from[p]
	}
	next := b.from
	for i := range e.len() {
		p := e.words[i*e.width] >> 56
		copy(b.at(next[p]), e.at(i))
		next[p]++
	}
	return b
}

func (b *block) bytes() int64 { return int64(len(b.words))*8 + 8*parts }

// log keeps blocks within a share of a budget, and the others in a private file.
type log struct {
	width  int
	memory *pipeline.Budget
	share  int64
	fs     faults.FS
	dir    string

	blocks []*block
	held   int64

	path string
	file faults.File
	back faults.Opened
	size int64
}

func newLog(o *Options, width int, name string) *log {
	return &log{
		width: width, memory: o.Env.Memory, share: o.Env.Memory.Limit() / 3,
		fs: o.FS, dir: o.Env.Temp, path: filepath.Join(o.Env.Temp, name),
	}
}

// add takes a block over.
func (l *log) add(b *block) error {
	if l.held+b.bytes() <= l.share && l.memory.Take(b.bytes()) {
		l.held += b.bytes()
		l.blocks = append(l.blocks, b)
		return nil
	}
	if err := l.spill(b); err != nil {
		return pipeline.Errorf(pipeline.IO, "spilling rows to compare: %w", err).
			With("what doesn't fit in memory is kept in a file of the project: free disk space, or give more memory with --memory")
	}
	l.blocks = append(l.blocks, b)
	return nil
}

func (l *log) spill(b *block) error {
	if l.file == nil {
		var err error
		if l.file, err = l.fs.Create(l.path); err != nil {
			return err
		}
	}
	b.file = l.size
	var buf []byte
	for p := range parts {
		buf = buf[:0]
		for _, w := range b.words[b.from[p]*b.width : b.from[p+1]*b.width] {
			buf = binary.LittleEndian.AppendUint64(buf, w)
		}
		if len(buf) == 0 {
			continue
		}
		b.sums[p] = xxh3.Hash(buf)
		n, err := l.file.Write(buf)
		l.size += int64(n)
		if err != nil {
			return err
		}
	}
	b.words = nil
	return nil
}

// open makes what was written readable; then nothing more is added.
func (l *log) open() (err error) {
	if l.file != nil && l.back == nil {
		l.back, err = l.fs.Open(l.path)
	}
	return err
}

// part gives all entries of a part.
func (l *log) part(p int) (entries, error) {
	n := 0
	for _, b := range l.blocks {
		n += b.from[p+1] - b.from[p]
	}
	all := entries{make([]uint64, 0, n*l.width), l.width}
	for _, b := range l.blocks {
		from, end := b.from[p]*l.width, b.from[p+1]*l.width
		if from == end {
			continue
		}
		if b.file < 0 {
			all.words = append(all.words, b.words[from:end]...)
			continue
		}
		buf := make([]byte, 8*(end-from))
		if n, err := l.back.ReadAt(buf, b.file+int64(from)*8); n < len(buf) {
			return all, pipeline.Errorf(pipeline.IO, "reading rows to compare: %w", err)
		}
		if xxh3.Hash(buf) != b.sums[p] {
			return all, pipeline.Errorf(pipeline.IO, "%s was damaged while rows were compared", l.path).
				With("compare again; if it happens again the disk is not to be trusted")
		}
		for ; len(buf) > 0; buf = buf[8:] {
			all.words = append(all.words, binary.LittleEndian.Uint64(buf))
		}
	}
	return all, nil
}

// close gives the memory back and removes the file.
func (l *log) close() (err error) {
	l.memory.Give(l.held)
	l.held, l.blocks = 0, nil
	if l.back != nil {
		err = l.back.Close()
	}
	if l.file != nil {
		err = errors.Join(err, l.file.Close(), l.fs.RemoveAll(l.path))
	}
	l.file, l.back = nil, nil
	if err != nil {
		return fmt.Errorf("removing what was spilled: %w", err)
	}
	return nil
}
