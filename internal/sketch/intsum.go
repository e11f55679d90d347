package sketch

import (
	"encoding/json"
	"errors"
	"math/big"
	"math/bits"
)

// IntSum is the exact sum of integers of up to 128 bits, in 192 bits: also of decimals of the
// same scale. The zero value is the state of no values. It is the same for any order and split of
// the values.
type IntSum struct {
	count          int64
	low, mid, high uint64 // two's complement
}

// AddInt64 takes in a value.
func (s *IntSum) AddInt64(v int64) { s.Add128(v>>63, uint64(v)) }

// AddUint64 takes in a value.
func (s *IntSum) AddUint64(v uint64) { s.Add128(0, v) }

// Add128 takes in a value of 128 bits in two's complement, as Arrow's decimal128 has it.
func (s *IntSum) Add128(high int64, low uint64) {
	s.count++
	s.add(low, uint64(high), uint64(high>>63))
}

func (s *IntSum) add(low, mid, high uint64) {
	var carry uint64
	s.low, carry = bits.Add64(s.low, low, 0)
	s.mid, carry = bits.Add64(s.mid, mid, carry)
	s.high, _ = bits.Add64(s.high, high, carry)
}

// Merge takes in the values of another state.
func (s *IntSum) Merge(o *IntSum) {
	s.count = plus(s.count, o.count)
	s.add(o.low, o.mid, o.high)
}

// Subtract takes values out again that were taken in: those of another state.
func (s *IntSum) Subtract(o *IntSum) {
	var borrow uint64
	s.low, borrow = bits.Sub64(s.low, o.low, 0)
	s.mid, borrow = bits.Sub64(s.mid, o.mid, borrow)
	s.high, _ = bits.Sub64(s.high, o.high, borrow)
	s.count -= o.count
}

// Count is the number of values.
func (s *IntSum) Count() int64 { return s.count }

// Sum is the sum, for the caller to keep; 0 of no values.
func (s *IntSum) Sum() *big.Int {
	v := big.NewInt(int64(s.high))
	for _, word := range []uint64{s.mid, s.low} {
		v.Lsh(v, 64)
		v.Add(v, new(big.Int).SetUint64(word))
	}
	return v
}

// Int64 is the sum if it fits in 64 bits.
func (s *IntSum) Int64() (sum int64, fits bool) {
	sign := uint64(int64(s.low) >> 63)
	return int64(s.low), s.mid == sign && s.high == sign
}

// Uint64 is the sum if it fits in 64 bits without a sign.
func (s *IntSum) Uint64() (sum uint64, fits bool) { return s.low, s.mid == 0 && s.high == 0 }

type storedIntSum struct {
	Count int64  `json:"count"`
	Sum   string `json:"sum"`
}

// MarshalJSON writes the count and the sum in decimal digits.
func (s *IntSum) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedIntSum{s.count, s.Sum().String()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *IntSum) UnmarshalJSON(text []byte) error {
	var in storedIntSum
	if err := strict(text, &in, "count", "sum"); err != nil {
		return err
	}
	if !validCounts(in.Count) || len(in.Sum) > 60 {
		return errCount
	}
	sum, ok := new(big.Int).SetString(in.Sum, 10)
	if !ok || sum.String() != in.Sum {
		return errors.New("the sum is not an integer")
	}
	most := new(big.Int).Lsh(big.NewInt(in.Count), 127)
	if sum.CmpAbs(most) > 0 {
		return errors.New("the sum is more than so many values have")
	}
	r := IntSum{count: in.Count}
	r.set(sum)
	*s = r
	return nil
}

// set takes over a sum of less than 191 bits.
func (s *IntSum) set(sum *big.Int) {
	var b [24]byte
	sum.FillBytes(b[:])
	var words [3]uint64
	for i, x := range b {
		words[i/8] = words[i/8]<<8 | uint64(x)
	}
	s.high, s.mid, s.low = words[0], words[1], words[2]
	if sum.Sign() < 0 {
		low, mid, high := ^s.low, ^s.mid, ^s.high
		s.low, s.mid, s.high = 1, 0, 0
		s.add(low, mid, high)
	}
}
