package vector

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkComparison compares a chunk, half of whose rows hold.
func BenchmarkComparison(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	var x, y Vector
	for range Chunk {
		i, j := random.Int64N(100), random.Int64N(100)
		x.Ints, y.Ints = append(x.Ints, i), append(y.Ints, j)
		x.Doubles, y.Doubles = append(x.Doubles, float64(i)), append(y.Doubles, float64(j))
	}
	c := Vector{Const: true, Ints: []int64{50}, Doubles: []float64{50}}
	out := Vector{Bits: make(Bits, Words(Chunk))}
	names := [...]string{"<", "<=", ">", ">=", "==", "!="}
	for _, kind := range []Kind{Int, Double} {
		for op := Less; op <= NotEqual; op++ {
			kernel := Comparison(op, kind, kind)
			for name, args := range map[string][]*Vector{"const": {&x, &c}, "column": {&x, &y}} {
				b.Run(fmt.Sprintf("%v%s%s", map[Kind]string{Int: "int", Double: "double"}[kind], names[op], name), func(b *testing.B) {
					for b.Loop() {
						kernel(&out, args, Chunk, nil)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/Chunk, "ns/row")
				})
			}
		}
	}
}
