package penstock_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// The same file gives other rows where another column says what belongs to the partition.
func TestStoredStatesAreOfTheSameSource(t *testing.T) {
	dir := t.TempDir()
	day := arrow.FixedWidthTypes.Timestamp_us
	schema := arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.PrimitiveTypes.Int64}, {Name: "d", Type: day}, {Name: "e", Type: day}}, nil)
	f, err := os.Create(filepath.Join(dir, "in.parquet"))
	check(t, err)
	enc, err := parquet.Format{}.Create(f, schema)
	check(t, err)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for g := range 2 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := range 5 + g {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(at.AddDate(0, g, i).UnixMicro()))
			b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(at.AddDate(0, 1-g, i).UnixMicro()))
		}
		batch := b.NewRecordBatch()
		chunk, err := enc.Encode(t.Context(), []arrow.RecordBatch{batch})
		check(t, err)
		check(t, enc.Append(chunk))
		batch.Release()
		b.Release()
	}
	check(t, enc.Close())
	check(t, f.Close())
	p := open(t, dir)
	for by, want := range map[string]int64{"d": 5, "e": 6} {
		src := parquet.Files("in.parquet")
		src.PartitionBy = by
		rec, err := p.Run(t.Context(), &pipeline.Pipeline{
			Name: "x", Sources: []pipeline.NamedSource{{Name: "in", Source: src}},
			Partitions: pipeline.Scheme{By: pipeline.Month},
			Stages: []pipeline.Stage{{
				Name: "x", From: []string{"in"}, Gates: gates.Of(gates.Rule{Check: gates.Rows("v % 7 < 7")}),
				Output: &pipeline.Output{Path: "out/x", Format: parquet.Format{}},
			}},
		}, "2026-01")
		check(t, err)
		if f := rec.Gates[0]; f.RowsTested != want {
			t.Errorf("by %s: %d rows were tested, decided by %s; want %d", by, f.RowsTested, f.DecidedBy, want)
		}
	}
}
