package sketch

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/bits"
)

const (
	registerBits = 14
	registers    = 1 << registerBits
	maxRegister  = 64 - registerBits + 1
	packedBytes  = registers * 6 / 8
	// standardError of the estimate, relative: 1.04/√registers.
	standardError = 1.04 / 128
)

// Distinct estimates the number of distinct values from their 64-bit hashes, in 16 KiB. The zero
// value is the state of no values. The state is the same for any order and split of the values,
// and however often each came.
//
// It is HyperLogLog with 2^14 registers and the improved estimator of Ertl (2017).
type Distinct struct {
	registers []uint8 // nil if there were no values
}

// Add takes in the hash of a value; all its bits have to be well mixed.
func (s *Distinct) Add(hash uint64) {
	if s.registers == nil {
		s.registers = make([]uint8, registers)
	}
	r := &s.registers[hash>>(64-registerBits)]
	*r = max(*r, uint8(bits.LeadingZeros64(hash<<registerBits|1<<(registerBits-1)))+1)
}

// Merge takes in the values of another state.
func (s *Distinct) Merge(o *Distinct) {
	if o.registers == nil {
		return
	}
	if s.registers == nil {
		s.registers = make([]uint8, registers)
	}
	for i, r := range o.registers {
		s.registers[i] = max(s.registers[i], r)
	}
}

// Estimate is the number of distinct values as estimated, and bounds at four standard errors
// (3.25%), or two values if that is more: a chance of about 1 in 16,000 to be outside. The
// estimate is an integer below 1,000, mostly the exact one.
func (s *Distinct) Estimate() (estimate, low, high float64) {
	var counts [maxRegister + 1]int
	for _, r := range s.registers {
		counts[r]++
	}
	used := float64(len(s.registers) - counts[0])
	if used == 0 {
		return 0, 0, 0
	}
	estimate = max(used, ertl(&counts))
	if estimate < 1000 {
		estimate = math.Round(estimate)
	}
	margin := max(2, 4*standardError*estimate)
	return estimate, max(used, estimate-margin), estimate + margin
}

// ertl is algorithm 6 of "New cardinality estimation algorithms for HyperLogLog sketches".
func ertl(counts *[maxRegister + 1]int) float64 {
	z := registers * tau(1-float64(counts[maxRegister])/registers)
	for k := maxRegister - 1; k > 0; k-- {
		z = (z + float64(counts[k])) / 2
	}
	z += registers * sigma(float64(counts[0])/registers)
	return registers * registers / (2 * math.Ln2 * z)
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z, last := 1.0, x, -1.0
	for z != last {
		last = z
		x *= x
		z += x * y
		y += y
	}
	return z
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z, last := 1.0, 1-x, -1.0
	for z != last {
		last = z
		x = math.Sqrt(x)
		y /= 2
		z -= (1 - x) * (1 - x) * y
	}
	return z / 3
}

type storedDistinct struct {
	Form      string `json:"form"`
	Registers []byte `json:"registers"`
}

// MarshalJSON writes the registers: those in use, or 6 bits for each if that is shorter.
func (s *Distinct) MarshalJSON() ([]byte, error) {
	out := storedDistinct{"sparse", s.sparse()}
	if len(out.Registers) >= packedBytes {
		out = storedDistinct{"dense", s.dense()}
	}
	return json.Marshal(out)
}

// sparse has the way from each register in use to the next, and its value.
func (s *Distinct) sparse() []byte {
	out, last := []byte{}, -1
	for i, r := range s.registers {
		if r > 0 {
			out = append(binary.AppendUvarint(out, uint64(i-last)), r)
			last = i
		}
	}
	return out
}

func (s *Distinct) dense() []byte {
	out := make([]byte, 0, packedBytes)
	for i := 0; i < registers; i += 4 {
		r := s.registers[i : i+4]
		out = append(out, r[0]<<2|r[1]>>4, r[1]<<4|r[2]>>2, r[2]<<6|r[3])
	}
	return out
}

var errRegisters = errors.New("registers are damaged")

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Distinct) UnmarshalJSON(text []byte) error {
	if len(text) > base64.StdEncoding.EncodedLen(packedBytes)+1000 {
		return errRegisters
	}
	var in storedDistinct
	if err := strict(text, &in, "form", "registers"); err != nil {
		return err
	}
	var r Distinct
	switch {
	case in.Form == "dense" && len(in.Registers) == packedBytes:
		r.readDense(in.Registers)
	case in.Form != "sparse" || len(in.Registers) >= packedBytes || !r.readSparse(in.Registers):
		return errRegisters
	}
	for _, v := range r.registers {
		if v > maxRegister {
			return errRegisters
		}
	}
	*s = r
	return nil
}

func (s *Distinct) readDense(packed []byte) {
	s.registers = make([]uint8, 0, registers)
	for i := 0; i < packedBytes; i += 3 {
		a, b, c := packed[i], packed[i+1], packed[i+2]
		s.registers = append(s.registers, a>>2, (a<<4|b>>4)&63, (b<<2|c>>6)&63, c&63)
	}
}

func (s *Distinct) readSparse(packed []byte) bool {
	at := -1
	for len(packed) > 0 {
		gap, n := binary.Uvarint(packed)
		if n <= 0 || n == len(packed) || gap == 0 || gap > registers || at+int(gap) >= registers {
			return false
		}
		if s.registers == nil {
			s.registers = make([]uint8, registers)
		}
		at += int(gap)
		s.registers[at] = packed[n]
		packed = packed[n+1:]
	}
	return true
}
