package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// tally is what a reader of everything must find: the rows, and the sum of the key.
// What else it read it releases unseen.
type tally struct{ rows, sum atomic.Int64 }

// add takes in a batch whose key is its column at place.
func (t *tally) add(b arrow.RecordBatch, place int) {
	t.keys(b.Column(place).(*array.Int64).Int64Values())
}

func (t *tally) keys(values []int64) {
	var sum int64
	for _, v := range values {
		sum += v
	}
	t.rows.Add(int64(len(values)))
	t.sum.Add(sum)
}

func (t *tally) outcome(m meter, note string) outcome {
	return outcome{Work: m.end(), Rows: t.rows.Load(), Sum: float64(t.sum.Load()), Note: note}
}

// shareOut calls f with the numbers below n, each once, from as many goroutines as there
// are workers. Every worker begins with open.
func shareOut(workers, n int, open func() (func(i int) error, error)) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			f, err := open()
			for err == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				err = f(i)
			}
			errs[w] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// oursRead reads every column of every split.
func oursRead(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	ctx := context.Background()
	m := begin()
	env := &pipeline.Env{
		Dir: j.Dir, Temp: j.Dir, Workers: j.workers(), Memory: pipeline.NewBudget(defaultMemory), Now: time.Now, Alloc: memory.DefaultAllocator,
	}
	in, err := parquet.Files(j.Path).Resolve(ctx, env)
	if err != nil {
		return outcome{}, err
	}
	place := in.Schema.FieldIndices(s.key)[0]
	var t tally
	err = shareOut(j.workers(), len(in.Splits), func() (func(int) error, error) {
		return func(i int) error {
			r, err := in.Splits[i].Open(ctx, env, nil)
			if err != nil {
				return err
			}
			return pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
				t.add(b, place)
				return nil
			})
		}, nil
	})
	return t.outcome(m, ""), err
}

// pqarrowRead reads every column of every row group with arrow-go; the variant
// "dictionary" asks for strings as Arrow dictionaries.
func pqarrowRead(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	m := begin()
	first, err := file.OpenParquetFile(j.Path, false)
	if err != nil {
		return outcome{}, err
	}
	place := first.MetaData().Schema.ColumnIndexByName(s.key)
	var t tally
	open := []*file.Reader{first}
	var mu sync.Mutex
	err = shareOut(j.workers(), first.NumRowGroups(), func() (func(int) error, error) {
		f, err := file.OpenParquetFile(j.Path, false, file.WithMetadata(first.MetaData()))
		if err != nil {
			return nil, err
		}
		mu.Lock()
		open = append(open, f)
		mu.Unlock()
		r, err := arrowReader(f, j.Variant == "dictionary")
		return func(i int) error { return t.group(r, i, place) }, err
	})
	for _, f := range open {
		err = errors.Join(err, f.Close())
	}
	return t.outcome(m, ""), err
}

func arrowReader(f *file.Reader, dictionaries bool) (*pqarrow.FileReader, error) {
	props := pqarrow.ArrowReadProperties{BatchSize: 64 << 10}
	if dictionaries {
		for i := range f.MetaData().Schema.NumColumns() {
			props.SetReadDict(i, f.MetaData().Schema.Column(i).PhysicalType().String() == "BYTE_ARRAY")
		}
	}
	return pqarrow.NewFileReader(f, props, memory.DefaultAllocator)
}

// group reads a row group.
func (t *tally) group(r *pqarrow.FileReader, i, place int) error {
	rows, err := r.GetRecordReader(context.Background(), nil, []int{i})
	if err != nil {
		return err
	}
	defer rows.Release()
	for rows.Next() {
		t.add(rows.RecordBatch(), place)
	}
	if err := rows.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
