package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/compare"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// sidePaths are the files of both sides.
func sidePaths(j job) (left, right string) { return filepath.Join(j.Path, "left.parquet"), j.Set }

// duckdbSides reconciles by hand.
func duckdbSides(j job) (outcome, error) {
	db, err := connect(j)
	if err != nil {
		return outcome{}, err
	}
	defer db.Close()
	left, right := sidePaths(j)
	to := filepath.Join(j.Dir, "different.parquet")
	out := outcome{Failed: make([]int64, 4+len(sideColumns))}
	m := begin()
	if _, err := db.Exec(joinSides(left, right, to)); err != nil {
		return out, err
	}
	var into []any
	for i := range out.Failed[1:] {
		into = append(into, &out.Failed[1+i])
	}
	if err := db.QueryRow(countSides(to)).Scan(into...); err != nil {
		return out, err
	}
	if err := db.QueryRow(fmt.Sprintf("SELECT count(*) FROM read_parquet('%s')", left)).Scan(&out.Failed[0]); err != nil {
		return out, err
	}
	out.Failed[0] -= out.Failed[1] + out.Failed[3]
	out.Work = m.end()
	return out, nil
}

// unequalSides finds the rows that have no counterpart, reads them again, and counts how they
// differ.
func unequalSides(j job) (outcome, error) {
	ctx := context.Background()
	left, right := sidePaths(j)
	limit := j.Memory
	if limit == 0 {
		limit = defaultMemory
	}
	m := begin()
	env := &pipeline.Env{Dir: j.Dir, Temp: j.Dir, Workers: j.workers(), Memory: pipeline.NewBudget(limit), Now: time.Now, Alloc: memory.DefaultAllocator}
	var in [2]*pipeline.Input
	for side, path := range []string{left, right} {
		var err error
		if in[side], err = parquet.Files(path).Resolve(ctx, env); err != nil {
			return outcome{}, err
		}
	}
	columns := append([]string{"id"}, sideColumns...)
	u, err := compare.Unequal(ctx, in[0], in[1], compare.Matching{Env: env, Columns: [2][]string{columns, columns}, Keys: 1, WholeKeys: true})
	if err != nil {
		return outcome{}, err
	}
	f := &unequalRows{left: map[int64]unequalRow{}, failed: make([]int64, 4+len(sideColumns))}
	f.failed[0] = u.Equal
	for side := range in {
		if err := f.read(ctx, env, in[side], u, side, columns); err != nil {
			return outcome{}, err
		}
	}
	f.failed[1] = int64(len(f.left))
	return outcome{Work: m.end(), Failed: f.failed}, nil
}

// unequalRow is what is compared of a row.
type unequalRow struct {
	account, currency, status, memo string
	booked                          arrow.Date32
	amount                          decimal128.Num
}

// unequalRows puts rows together by their ids.
type unequalRows struct {
	mu     sync.Mutex
	left   map[int64]unequalRow
	failed []int64
}

func (f *unequalRows) read(ctx context.Context, env *pipeline.Env, in *pipeline.Input, u *compare.Unmatched, side int, columns []string) error {
	return pipeline.InOrder(ctx, env, len(in.Splits), func(ctx context.Context, i int) (struct{}, int64, error) {
		marks := u.Marks[side][i]
		if marks == nil {
			return struct{}{}, 0, nil
		}
		r, err := in.Splits[i].OpenSome(ctx, env, columns, marks.Bools(u.Rows[side][i]))
		if err != nil {
			return struct{}{}, 0, err
		}
		return struct{}{}, 0, pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
			f.take(b, side)
			return nil
		})
	}, func(struct{}) error { return nil })
}

func (f *unequalRows) take(b arrow.RecordBatch, side int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := b.Column(0).(*array.Int64)
	text := func(c, i int) string { return strings.Clone(b.Column(c).ValueStr(i)) }
	for i := range ids.Len() {
		row := unequalRow{
			text(1, i), text(4, i), text(5, i), text(6, i),
			b.Column(2).(*array.Date32).Value(i), b.Column(3).(*array.Decimal128).Value(i),
		}
		if side == 0 {
			f.left[ids.Value(i)] = row
			continue
		}
		other, both := f.left[ids.Value(i)]
		if !both {
			f.failed[2]++
			continue
		}
		delete(f.left, ids.Value(i))
		f.failed[3]++
		for c, differs := range []bool{
			row.account != other.account, row.booked != other.booked, row.amount != other.amount,
			row.currency != other.currency, row.status != other.status, row.memo != other.memo,
		} {
			if differs {
				f.failed[4+c]++
			}
		}
	}
}
