package gates

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// unscaled gives the digits of decimals; the array's scale says where the point is. It
// takes an array of any decimal type.
func unscaled(values arrow.Array) func(i int) *big.Int {
	switch a := values.(type) {
	case *array.Decimal32:
		return func(i int) *big.Int { return big.NewInt(int64(a.Value(i))) }
	case *array.Decimal64:
		return func(i int) *big.Int { return big.NewInt(int64(a.Value(i))) }
	case *array.Decimal128:
		return func(i int) *big.Int { return a.Value(i).BigInt() }
	case *array.Decimal256:
		return func(i int) *big.Int { return a.Value(i).BigInt() }
	}
	return nil
}

func scaleOf(t arrow.DataType) int32 {
	if d, ok := t.(arrow.DecimalType); ok {
		return d.GetScale()
	}
	return 0
}

// decimalSum adds decimals exactly.
type decimalSum struct {
	scale int32
	count int64
	// What decimals of up to 38 digits add up to is in three words, the rest in more.
	high     int64
	mid, low uint64
	more     big.Int
}

func (s *decimalSum) update(values arrow.Array, _ int64) error {
	if a, ok := values.(*array.Decimal128); ok {
		for i := range a.Len() {
			if a.IsValid(i) {
				v := a.Value(i)
				s.count++
				s.add(v.HighBits(), v.LowBits())
			}
		}
		return nil
	}
	digits := unscaled(values)
	if digits == nil {
		return pipeline.Errorf(pipeline.Internal, "a sum of decimals is given a %s", values.DataType())
	}
	for i := range values.Len() {
		if values.IsValid(i) {
			s.count++
			s.more.Add(&s.more, digits(i))
		}
	}
	return nil
}

func (s *decimalSum) add(high int64, low uint64) {
	var carry uint64
	s.low, carry = bits.Add64(s.low, low, 0)
	s.mid, carry = bits.Add64(s.mid, uint64(high), carry)
	s.high += high>>63 + int64(carry)
}

// total is the digits of the sum.
func (s *decimalSum) total() *big.Int {
	t := big.NewInt(s.high)
	for _, word := range []uint64{s.mid, s.low} {
		t.Lsh(t, 64)
		t.Add(t, new(big.Int).SetUint64(word))
	}
	return t.Add(t, &s.more)
}

func (s *decimalSum) merge(other state) error {
	o := other.(*decimalSum)
	s.count += o.count
	s.more.Add(&s.more, o.total())
	return nil
}

func (s *decimalSum) value() any {
	if s.count == 0 {
		return nil
	}
	return expr.Decimal{Digits: s.total(), Scale: s.scale}
}

// storedDecimalSum is how a decimalSum is written.
type storedDecimalSum struct {
	Count  int64  `json:"count"`
	Digits string `json:"digits"`
	Scale  int32  `json:"scale"`
}

// MarshalJSON writes the sum with all its digits.
func (s *decimalSum) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedDecimalSum{s.count, s.total().String(), s.scale})
}

// maxDigits bounds the digits that are read of a stored sum.
const maxDigits = 120

// UnmarshalJSON implements loader.
func (s *decimalSum) UnmarshalJSON(text []byte) error {
	var in storedDecimalSum
	if err := strict(text, &in, 3); err != nil {
		return err
	}
	if len(in.Digits) > maxDigits {
		return errors.New("a sum of too many digits")
	}
	if _, ok := s.more.SetString(in.Digits, 10); !ok || in.Scale != s.scale {
		return fmt.Errorf("it is no sum of decimals of scale %d", s.scale)
	}
	s.count, s.high, s.mid, s.low = in.Count, 0, 0, 0
	return nil
}
