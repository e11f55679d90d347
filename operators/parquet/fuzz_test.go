package parquet

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
)

// FuzzFile reads what may be no Parquet file at all: it gives rows, as many as the
// footer says, or an error that names the file; it does not panic, hang or lose rows.
func FuzzFile(f *testing.F) {
	all := everything().Fields() // some of them: a file of all takes too long
	schema := arrow.NewSchema([]arrow.Field{all[0], all[9], all[20], all[22], all[24], all[33], all[37], all[40]}, nil)
	for seed := range uint64(3) {
		batch := fill(memory.DefaultAllocator, schema, 30, seed)
		whole := write(f, Format{Compression: Compressions()[seed]}, schema, []arrow.RecordBatch{batch}, []arrow.RecordBatch{batch})
		f.Add(whole, uint32(0), byte(0))
		for i := 0; i < len(whole); i += len(whole)/40 + 1 {
			f.Add(whole, uint32(i), byte(1<<(i%8)))
		}
		f.Add(whole[:len(whole)/2], uint32(0), byte(0))
	}
	for _, options := range arrowOptions {
		batch, nested := fill(memory.DefaultAllocator, schema, 30, 9), fillNested(memory.DefaultAllocator, 10, 9)
		f.Add(byArrow(f, []arrow.RecordBatch{batch}, options...), uint32(0), byte(0))
		f.Add(byArrow(f, []arrow.RecordBatch{nested}, options...), uint32(0), byte(0))
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
		if _, err := everyWay(t, Files("x.parquet"), env); err != nil {
			named(t, err)
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
