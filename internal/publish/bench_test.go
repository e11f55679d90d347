package publish

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// BenchmarkPublish is what a partition of one small file costs on this disk: a new one each
// time, one after the other or several at once, and the same again.
func BenchmarkPublish(b *testing.B) {
	one := func(b *testing.B, s *Store, i int, text string) {
		st, err := s.Begin(bg, dataset, pipeline.Partition{By: pipeline.Key, Value: fmt.Sprint("k", i)}, fmt.Sprint("run-", i))
		if err != nil {
			b.Fatal(err)
		}
		w, err := st.Create(Data, "part-0.txt")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		m := &pipeline.Manifest{Format: pipeline.ManifestFormat, Dataset: dataset, Partition: fmt.Sprint("k", i), Files: []pipeline.File{w.File()}}
		if _, err := st.Commit(bg, m); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("new", func(b *testing.B) {
		s := newStore(faults.OS(), b.TempDir())
		for i := range b.N {
			one(b, s, i, "rows")
		}
	})
	b.Run("parallel", func(b *testing.B) {
		s := newStore(faults.OS(), b.TempDir())
		var n atomic.Int64
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(b, s, int(n.Add(1)), "rows")
			}
		})
	})
	b.Run("again", func(b *testing.B) {
		s := newStore(faults.OS(), b.TempDir())
		for i := range b.N {
			one(b, s, 0, fmt.Sprint("rows ", i))
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		s := newStore(faults.OS(), b.TempDir())
		for range b.N {
			one(b, s, 0, "rows")
		}
	})
}
