package gates

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/internal/sketch"
	"github.com/penstock-data/penstock/pipeline"
)

const errOverflow = errText("the sum does not fit in 64 bits")

// openSum begins an exact sum: of integers and decimals in 192 bits, of doubles rounded
// once, whatever the order of the values.
func openSum(args []arrow.DataType, consts []any, with means) state {
	if args[0].ID() == arrow.FLOAT64 {
		return sketchOf(new(sketch.FloatSum), joins, addFloats)
	}
	return &wholeSum{sketched: *sketchOf(new(sketch.IntSum), joins, addDigits), typ: args[0]}
}

func sketchOf[P storable](of P, join func(of, other P) error, add func(P, []arrow.Array) error) *sketched[P] {
	return &sketched[P]{of: of, add: add, join: join}
}

func addFloats(s *sketch.FloatSum, values []arrow.Array) error {
	s.AddAll(numbersOf(values[0]))
	return nil
}

// wholeSum is the sum of integers or decimals.
type wholeSum struct {
	sketched[*sketch.IntSum]
	typ arrow.DataType
}

func (s *wholeSum) merge(other state) error { return s.join(s.of, other.(*wholeSum).of) }

func addDigits(s *sketch.IntSum, values []arrow.Array) error {
	for i := range values[0].Len() {
		if values[0].IsNull(i) {
			continue
		}
		switch a := values[0].(type) {
		case *array.Int64:
			s.AddInt64(a.Value(i))
		case *array.Uint64:
			s.AddUint64(a.Value(i))
		case *array.Decimal128:
			s.Add128(a.Value(i).HighBits(), a.Value(i).LowBits())
		default:
			v := unscaled(a)(i)
			if v.BitLen() > 127 {
				return pipeline.Errorf(pipeline.Invalid, "a decimal of more than 38 digits can't be summed")
			}
			s.Add128(new(big.Int).Rsh(v, 64).Int64(), new(big.Int).And(v, lowWord).Uint64())
		}
	}
	return nil
}

var lowWord = new(big.Int).SetUint64(^uint64(0))

func readSum(s state, _ []any) reading {
	if f, ok := s.(*sketched[*sketch.FloatSum]); ok {
		if f.of.Count() == 0 {
			return exactly(nil)
		}
		return exactly(f.of.Sum())
	}
	return exactly(s.(*wholeSum).value())
}

func (s *wholeSum) value() any {
	if s.of.Count() == 0 {
		return nil
	}
	return s.number()
}

// number is the sum, which is 0 of no values.
func (s *wholeSum) number() any {
	if _, ok := s.typ.(arrow.DecimalType); ok {
		return expr.Decimal{Digits: s.of.Sum(), Scale: scaleOf(s.typ)}
	}
	if s.typ.ID() == arrow.UINT64 {
		if v, fits := s.of.Uint64(); fits {
			return v
		}
		return errOverflow
	}
	if v, fits := s.of.Int64(); fits {
		return v
	}
	return errOverflow
}
