package keys

import (
	"fmt"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

const benchRows = 10_000_000

// BenchmarkLog10M adds ten million keys to logs of units, merges and counts them.
func BenchmarkLog10M(b *testing.B) {
	all := make([]xxh3.Uint128, benchRows)
	for _, test := range []struct {
		name  string
		fresh func(*Store) *Log
	}{{"log", (*Store).Log}, {"set", (*Store).Set}} {
		for _, different := range []int{benchRows, 100_000, 10} {
			for i := range all {
				all[i] = key(uint64(i % different))
			}
			for _, memory := range []int64{4 << 30, 256 << 20, 16 << 20} {
				b.Run(fmt.Sprintf("%s/distinct=%d/memory=%dM", test.name, different, memory>>20), func(b *testing.B) {
					for b.Loop() {
						s := NewStore(pipeline.NewBudget(memory), 0, faults.OS(), b.TempDir())
						bench(b, s, test.fresh, all)
						b.ReportMetric(float64(s.Spilled())/1e6, "MB-spilled")
						if err := s.Close(); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/key")
				})
			}
		}
	}
}

func bench(b *testing.B, s *Store, fresh func(*Store) *Log, all []xxh3.Uint128) {
	total := fresh(s)
	const batch, unit = 8192, 15 * 8192
	for from := 0; from < len(all); from += unit {
		l := fresh(s)
		for at := from; at < min(from+unit, len(all)); at += batch {
			if err := l.Add(all[at:min(at+batch, len(all))]); err != nil {
				b.Fatal(err)
			}
		}
		if err := total.Merge(l); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := total.Count(b.Context(), 3); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(total.segments)), "segments")
}
