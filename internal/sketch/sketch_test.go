package sketch

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/penstock-data/penstock/internal/seed"
)

// seeded gives random numbers, and says how to get the same ones again.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(seed.For(t), 0))
}

// A jsonState is a state of any kind.
type jsonState interface {
	json.Marshaler
	json.Unmarshaler
}

func marshal(t testing.TB, s json.Marshaler) []byte {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// again gives a state that was written and read.
func again[S jsonState](t testing.TB, s, into S) S {
	t.Helper()
	text := marshal(t, s)
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	if second := marshal(t, into); !bytes.Equal(text, second) {
		t.Fatalf("read again it is\n%.300s, not\n%.300s", second, text)
	}
	return into
}

// fuzzJSON looks for texts that are read as states and then do harm.
func fuzzJSON[S jsonState](f *testing.F, open func() S, use func(s, twin S), seeds ...S) {
	for _, s := range seeds {
		f.Add(marshal(f, s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := open()
		if json.Unmarshal(text, s) != nil {
			return
		}
		use(s, again(t, s, open()))
		marshal(t, s)
	})
}

// refused checks that texts are not read.
func refused(t *testing.T, s json.Unmarshaler, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if json.Unmarshal([]byte(text), s) == nil {
			t.Errorf("%s was read", text)
		}
	}
}

// tree merges states pairwise in an order of its own choice that keeps theirs.
func tree[S any](r *rand.Rand, states []S, merge func(a, b S) S) S {
	for len(states) > 1 {
		i := r.IntN(len(states) - 1)
		states[i] = merge(states[i], states[i+1])
		states = append(states[:i+1], states[i+2:]...)
	}
	return states[0]
}

// cut splits values at random places.
func cut[V any](r *rand.Rand, values []V) [][]V {
	var parts [][]V
	for len(values) > 0 {
		n := 1 + r.IntN(len(values))
		if r.IntN(2) == 0 {
			n = 1 + n/10
		}
		parts, values = append(parts, values[:n]), values[n:]
	}
	return append(parts, nil)
}

func near(a, b, relative float64) bool {
	return a == b || math.Abs(a-b) <= relative*math.Max(math.Abs(a), math.Abs(b))
}
