package trace

import (
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/xxh3"
)

// BlockPlaces is how many places a block has at most.
const BlockPlaces = 1 << 16

// The ways in which a block keeps its places: the first byte of its text.
const (
	asRuns = 0
	asBits = 1
)

// Sequence writes places one after the other.
type Sequence struct {
	to     io.Writer
	index  index
	held   int64  // places in lens and starts
	length int64  // of the run that is open
	start  Place  // of it
	next   Place  // that would make it longer
	end    Place  // of the run before
	lens   []byte // of the runs that ended
	starts []byte
	packed []byte
}

// index tells where the blocks of a sequence are.
type index struct {
	Places int64   `json:"places"`
	Blocks []block `json:"blocks"`

	starts []int64 // of each block, among the places
}

// block is some bytes of the file, and how many places they are.
type block struct {
	Places int64  `json:"places"`
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	Sum    uint64 `json:"sum"` // XXH3-64
}

// NewSequence begins a sequence whose blocks are written to w.
func NewSequence(w io.Writer) *Sequence { return &Sequence{to: w} }

// Add adds n places: rows that follow each other in a source, or n times None.
func (s *Sequence) Add(first Place, n int64) error {
	for n > 0 {
		room := BlockPlaces - s.held - s.length
		if room == 0 {
			if err := s.flush(); err != nil {
				return err
			}
			continue
		}
		some := min(n, room)
		s.add(first, some)
		n -= some
		if first != None {
			first += Place(some)
		}
	}
	return nil
}

func (s *Sequence) add(first Place, n int64) {
	if s.length == 0 || first != s.next {
		s.endRun()
		s.start = first
	}
	s.length += n
	if s.next = first; first != None {
		s.next += Place(n)
	}
}

// endRun writes the run that is open.
func (s *Sequence) endRun() {
	if s.length == 0 {
		return
	}
	if s.start == None {
		s.lens = binary.AppendUvarint(s.lens, uint64(s.length)<<1|1)
	} else {
		s.lens = binary.AppendUvarint(s.lens, uint64(s.length)<<1)
		s.starts = binary.AppendVarint(s.starts, int64(s.start-s.end))
		s.end = s.next
	}
	s.held += s.length
	s.length = 0
}

// flush ends the block.
func (s *Sequence) flush() error {
	s.endRun()
	if s.held == 0 {
		return nil
	}
	raw := binary.AppendUvarint([]byte{asRuns}, uint64(len(s.lens)))
	raw = append(append(raw, s.lens...), s.starts...)
	s.packed = encoder.EncodeAll(raw, s.packed[:0])
	err := s.block(Block{s.held, s.packed})
	s.held, s.end, s.lens, s.starts = 0, 0, s.lens[:0], s.starts[:0]
	return err
}

// block writes a block behind those before.
func (s *Sequence) block(b Block) error {
	at := block{Places: b.places, Bytes: int64(len(b.packed)), Sum: xxh3.Hash(b.packed)}
	if n := len(s.index.Blocks); n > 0 {
		last := s.index.Blocks[n-1]
		at.Offset = last.Offset + last.Bytes
	}
	if _, err := s.to.Write(b.packed); err != nil {
		return err
	}
	s.index.Blocks = append(s.index.Blocks, at)
	s.index.Places += b.places
	return nil
}

// encoder is safe for concurrent use, as far as EncodeAll goes.
var encoder = func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // only of options that there are not
	}
	return e
}()
