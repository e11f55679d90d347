package trace

import (
	"encoding/binary"
	"encoding/json"
	"io"

	"github.com/zeebo/xxh3"
)

// magic begins and ends a trace file.
const magic = "pstrace1"

// Input is what a stage read, in splits. Each is a source: the first has the number First,
// those that follow the next numbers.
type Input struct {
	Name   string   `json:"name"` // of a source or stage, as the manifest has it
	Files  []string `json:"files"`
	First  int32    `json:"first"`
	Splits []Split  `json:"splits"`
}

// Split is some consecutive rows of a file.
type Split struct {
	File int `json:"file"`
	// Row is the place of its first row in the file, from 0; -1 where that is not known.
	Row int64 `json:"row"`
	// Group is the row group of the file, counted from 1; 0 where it has none.
	Group int `json:"group,omitempty"`
}

// groups are rows that an aggregate made, each of several places. All groups together are a
// source; Sizes says of each how many places it has.
type groups struct {
	Source  int32 `json:"source"`
	Sizes   index `json:"sizes"`
	Members index `json:"members"`
}

type footer struct {
	Lanes  []index  `json:"lanes"`
	Inputs []Input  `json:"inputs"`
	Groups []groups `json:"groups,omitempty"`
}

// Writer writes a trace file.
type Writer struct {
	w      io.Writer
	offset int64
	lanes  []*Sequence
	bufs   []*laneBuffer
	footer footer
}

// laneBuffer takes the blocks of a lane, which stand between those of the others.
type laneBuffer struct {
	w      *Writer
	blocks []block
}

func (b *laneBuffer) Write(p []byte) (int, error) {
	b.blocks = append(b.blocks, block{Offset: b.w.offset})
	return len(p), b.w.write(p)
}

// NewWriter begins a trace file of rows that have so many places each.
func NewWriter(w io.Writer, lanes int) (*Writer, error) {
	t := &Writer{w: w}
	for range lanes {
		b := &laneBuffer{w: t}
		t.bufs, t.lanes = append(t.bufs, b), append(t.lanes, NewSequence(b))
	}
	return t, t.write([]byte(magic))
}

func (t *Writer) write(p []byte) error {
	n, err := t.w.Write(p)
	t.offset += int64(n)
	return err
}

// Rows is how many rows were added so far.
func (t *Writer) Rows() int64 {
	l := t.lanes[0]
	return l.index.Places + l.held + l.length
}

// Add adds the places of n rows in one lane.
func (t *Writer) Add(lane int, first Place, n int64) error { return t.lanes[lane].Add(first, n) }

// AddBlock adds the places of a block to the only lane.
func (t *Writer) AddBlock(b Block) error { return t.lanes[0].AddBlock(b) }

// Input says what a number of sources are.
func (t *Writer) Input(in Input) { t.footer.Inputs = append(t.footer.Inputs, in) }

// Groups says that a source is groups: the bytes of their two sequences are copied from where
// they were written to. Both are complete then.
func (t *Writer) Groups(source int32, sizes, members *Sequence, sizesAt, membersAt io.Reader) error {
	g := groups{Source: source}
	for _, s := range []struct {
		of   *Sequence
		at   io.Reader
		into *index
	}{{sizes, sizesAt, &g.Sizes}, {members, membersAt, &g.Members}} {
		if err := t.copy(s.of, s.at, s.into); err != nil {
			return err
		}
	}
	t.footer.Groups = append(t.footer.Groups, g)
	return nil
}

func (t *Writer) copy(s *Sequence, from io.Reader, into *index) error {
	into.Places = s.index.Places
	for _, b := range s.index.Blocks {
		b.Offset += t.offset
		into.Blocks = append(into.Blocks, b)
	}
	n, err := io.Copy(t.w, from)
	t.offset += n
	return err
}

// End writes what a sequence holds: all places were added.
func (s *Sequence) End() error { return s.flush() }

// Close ends the file; it does not close the writer below.
func (t *Writer) Close() error {
	for i, lane := range t.lanes {
		if err := lane.flush(); err != nil {
			return err
		}
		for j := range lane.index.Blocks {
			lane.index.Blocks[j].Offset = t.bufs[i].blocks[j].Offset
		}
		t.footer.Lanes = append(t.footer.Lanes, lane.index)
	}
	text, err := json.Marshal(t.footer)
	if err != nil {
		return err
	}
	return t.write(seal(nil, text))
}

// seal adds the footer and the trailer.
func seal(file, text []byte) []byte {
	packed := encoder.EncodeAll(text, nil)
	file = append(file, packed...)
	file = binary.LittleEndian.AppendUint64(file, xxh3.Hash(packed))
	file = binary.LittleEndian.AppendUint32(file, uint32(len(packed)))
	return append(file, magic...)
}
