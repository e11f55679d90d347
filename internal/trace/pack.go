package trace

import (
	"bytes"
	"encoding/binary"
)

// Block is places that were packed ahead, by whichever goroutine has them.
type Block struct {
	places int64
	packed []byte
}

// AddBlock adds the places of a block.
func (s *Sequence) AddBlock(b Block) error {
	if err := s.flush(); err != nil {
		return err
	}
	return s.block(b)
}

// runBits is from how many bits on, for each run, these take more than the runs.
const runBits = 10

// Pack makes a block of rows that stand at places of a source, ascending, counted from first. There
// are at most BlockPlaces, and at least one. Where every other row was left out, a bit for each
// takes less than the runs of them, and less time.
func Pack(first Place, at []int32) Block {
	from, span := at[0], int(at[len(at)-1]-at[0])+1
	bits := make([]byte, (span+7)/8)
	runs, before := 0, from-2
	for _, row := range at {
		bits[(row-from)>>3] |= 1 << ((row - from) & 7)
		if row != before+1 {
			runs++
		}
		before = row
	}
	if runs*runBits < span {
		return packRuns(first, at)
	}
	raw := binary.AppendUvarint([]byte{asBits}, uint64(first)+uint64(from))
	return Block{int64(len(at)), encoder.EncodeAll(append(raw, bits...), nil)}
}

func packRuns(first Place, at []int32) Block {
	var out bytes.Buffer
	s := NewSequence(&out)
	for i := 0; i < len(at); {
		n := 1
		for i+n < len(at) && at[i+n] == at[i]+int32(n) {
			n++
		}
		_ = s.Add(first+Place(at[i]), int64(n)) // it is written to memory
		i += n
	}
	_ = s.End()
	return Block{int64(len(at)), out.Bytes()}
}
