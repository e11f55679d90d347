package gates

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/expr"
)

// storable is what package sketch has.
type storable interface {
	json.Marshaler
	json.Unmarshaler
}

// sketched is a state that is one of package sketch.
type sketched[P storable] struct {
	of   P
	add  func(of P, values []arrow.Array) error
	join func(of, other P) error
	// small gives what is written; nil: all of it.
	small func(of P) P
}

// sketchOpener opens states of package sketch, whatever the arguments.
func sketchOpener[P storable](begin func() P, join func(of, other P) error, add func(P, []arrow.Array) error) func([]arrow.DataType, []any, means) state {
	return func([]arrow.DataType, []any, means) state { return &sketched[P]{of: begin(), add: add, join: join} }
}

// joins is Merge of a state that can always be merged.
func joins[P interface{ Merge(P) }](of, other P) error {
	of.Merge(other)
	return nil
}

// tryJoins is Merge of one that may refuse.
func tryJoins[P interface{ Merge(P) error }](of, other P) error { return of.Merge(other) }

func (s *sketched[P]) update(values arrow.Array, _ int64) error {
	return s.add(s.of, []arrow.Array{values})
}

func (s *sketched[P]) updateAll(values []arrow.Array, _ int64) error { return s.add(s.of, values) }

func (s *sketched[P]) merge(other state) error { return s.join(s.of, other.(*sketched[P]).of) }

// MarshalJSON implements json.Marshaler.
func (s *sketched[P]) MarshalJSON() ([]byte, error) {
	if s.small != nil {
		return s.small(s.of).MarshalJSON()
	}
	return s.of.MarshalJSON()
}

// UnmarshalJSON implements loader.
func (s *sketched[P]) UnmarshalJSON(text []byte) error { return s.of.UnmarshalJSON(text) }

// says reads a state of package sketch.
func says[P storable](f func(of P, consts []any) any) func(state, []any) reading {
	return func(s state, consts []any) reading { return exactly(f(s.(*sketched[P]).of, consts)) }
}

// known is a statistic, or null where it is not defined.
func known(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return v
}

// numbersOf gives the values of numbers as doubles, without nulls.
func numbersOf(values arrow.Array) []float64 {
	if a, ok := values.(*array.Float64); ok && a.NullN() == 0 {
		return a.Float64Values()
	}
	all := make([]float64, 0, values.Len())
	for i := range values.Len() {
		if values.IsValid(i) {
			all = append(all, number(values, i))
		}
	}
	return all
}

// number is a value of a numeric array as a double.
func number(values arrow.Array, i int) float64 {
	switch a := values.(type) {
	case *array.Int64:
		return float64(a.Value(i))
	case *array.Uint64:
		return float64(a.Value(i))
	case *array.Float64:
		return a.Value(i)
	case *array.Timestamp:
		return float64(a.Value(i))
	}
	return expr.Decimal{Digits: unscaled(values)(i), Scale: scaleOf(values.DataType())}.Float64()
}

// unscaled gives the digits of decimals; the type's scale says where the point is.
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
	panic("the digits of a " + values.DataType().String()) // a metric is of decimals, or not
}

func scaleOf(t arrow.DataType) int32 {
	if d, ok := t.(arrow.DecimalType); ok {
		return d.GetScale()
	}
	return 0
}

// batchOf makes arrays of one length a batch, which the caller releases.
func batchOf(values []arrow.Array) arrow.RecordBatch {
	fields := make([]arrow.Field, len(values))
	for i, v := range values {
		fields[i] = arrow.Field{Name: strconv.Itoa(i), Type: v.DataType(), Nullable: true}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), values, int64(values[0].Len()))
}

// A releaser is a state that holds memory of the budget.
type releaser interface{ release() }
