package parquet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// FuzzFile reads what may be no Parquet file at all: it gives rows, as many as the
// footer says, or an error that names the file; it does not panic, hang or lose rows.
func FuzzFile(f *testing.F) {
	schema := everything()
	for seed := range uint64(3) {
		batch := fill(memory.DefaultAllocator, schema, 30, seed)
		whole := write(f, Format{Compression: Compressions()[seed]}, schema, []arrow.RecordBatch{batch}, []arrow.RecordBatch{batch})
		f.Add(whole, uint32(0), byte(0))
		for i := 0; i < len(whole); i += len(whole)/40 + 1 {
			f.Add(whole, uint32(i), byte(1<<(i%8)))
		}
		f.Add(whole[:len(whole)/2], uint32(0), byte(0))
	}
	f.Fuzz(func(t *testing.T, file []byte, at uint32, flip byte) {
		file = append([]byte{}, file...)
		if len(file) > 0 {
			file[int(at)%len(file)] ^= flip
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.parquet"), file, 0o644); err != nil {
			t.Fatal(err)
		}
		env := &pipeline.Env{Dir: dir, Alloc: memory.DefaultAllocator, Workers: 1, Memory: pipeline.NewBudget(1 << 30)}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		in, err := Files("x.parquet").Resolve(ctx, env)
		if err != nil {
			named(t, err)
			return
		}
		for _, s := range in.Splits {
			for _, field := range in.Schema.Fields() {
				s.Facts(field.Name)
			}
			r, err := s.Open(ctx, env, nil)
			if err != nil {
				named(t, err)
				return
			}
			var rows int64
			err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
				rows += b.NumRows()
				return nil
			})
			if err != nil {
				named(t, err)
			} else if rows != s.Rows {
				t.Errorf("%d rows of %d, and no error", rows, s.Rows)
			}
		}
	})
}

// named checks that an error says where it is.
func named(t *testing.T, err error) {
	t.Helper()
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Where == "" {
		t.Errorf("an error without a place: %v", err)
	}
}
