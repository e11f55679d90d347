package sketch

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/bits"
)

// Multiset is a hash of a multiset of rows: their number, and the sum mod 2^128 and the
// exclusive or of their 128-bit hashes. Two multisets that differ have the same one with a chance
// of about 1 in 2^128 unless somebody chose the rows for it. The zero value is that of no rows;
// states are equal by == if and only if they say the same. It is the same for any order and split
// of the rows.
type Multiset struct {
	count    uint64
	sum, xor [2]uint64 // high, low
}

// Add takes in a row by its hash.
func (s *Multiset) Add(high, low uint64) {
	s.count++
	s.add([2]uint64{high, low}, [2]uint64{high, low})
}

func (s *Multiset) add(sum, xor [2]uint64) {
	var carry uint64
	s.sum[1], carry = bits.Add64(s.sum[1], sum[1], 0)
	s.sum[0], _ = bits.Add64(s.sum[0], sum[0], carry)
	s.xor[0] ^= xor[0]
	s.xor[1] ^= xor[1]
}

// Merge takes in the rows of another state.
func (s *Multiset) Merge(o *Multiset) {
	s.count += o.count
	s.add(o.sum, o.xor)
}

// Count is the number of rows.
func (s *Multiset) Count() int64 { return int64(s.count) }

// String is the state in hexadecimal digits, as long for all.
func (s *Multiset) String() string {
	return hex64(s.count) + hex64(s.sum[0]) + hex64(s.sum[1]) + hex64(s.xor[0]) + hex64(s.xor[1])
}

type storedMultiset struct {
	Count int64  `json:"count"`
	Sum   string `json:"sum"`
	XOR   string `json:"xor"`
}

// MarshalJSON writes the state.
func (s *Multiset) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedMultiset{s.Count(), hex64(s.sum[0]) + hex64(s.sum[1]), hex64(s.xor[0]) + hex64(s.xor[1])})
}

func hex64(v uint64) string {
	var b [8]byte
	for i := range b {
		b[i] = byte(v >> (56 - 8*i))
	}
	return hex.EncodeToString(b[:])
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Multiset) UnmarshalJSON(text []byte) error {
	var in storedMultiset
	if err := strict(text, &in, "count", "sum", "xor"); err != nil {
		return err
	}
	sum, err := read128(in.Sum)
	xor, err2 := read128(in.XOR)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	// The lowest bits of sum and exclusive or are the same: they are added without carry.
	if !validCounts(in.Count) || in.Count == 0 && (sum != xor || sum != [2]uint64{}) || in.Count == 1 && sum != xor ||
		(sum[1]^xor[1])&1 != 0 {
		return errCount
	}
	*s = Multiset{uint64(in.Count), sum, xor}
	return nil
}

func read128(text string) (v [2]uint64, err error) {
	if len(text) != 32 {
		return v, errors.New("a 128-bit number has 32 hexadecimal digits")
	}
	b, err := hex.DecodeString(text)
	for i, x := range b {
		v[i/8] = v[i/8]<<8 | uint64(x)
	}
	return v, err
}
