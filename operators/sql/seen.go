package sql

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// firstSeen keeps the first row of each key, passing rows on as they come.
func firstSeen(schema *arrow.Schema, keys []pipeline.Column) *pipeline.Bound {
	b := &pipeline.Bound{Schema: schema, Reads: keys, Rows: pipeline.RowsFewer, From: make([][]pipeline.Column, schema.NumFields())}
	for i := range b.From {
		b.From[i] = []pipeline.Column{{Index: i}}
	}
	b.Stream = func(_ context.Context, env *pipeline.Env, in ...pipeline.Reader) (pipeline.Reader, error) {
		return &seenReader{in: in[0], env: env, schema: schema, keys: keys}, nil
	}
	return b
}

// seenReader holds the hashes of the keys it has seen.
type seenReader struct {
	in     pipeline.Reader
	env    *pipeline.Env
	schema *arrow.Schema
	keys   []pipeline.Column
	seen   rows.Set
	taken  int64           // of the budget, in bytes
	rest   pipeline.Reader // set when DuckDB has taken over
	hashes []xxh3.Uint128
}

func (r *seenReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if r.rest != nil {
		return r.rest.Next(ctx)
	}
	b, err := r.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	if !r.fits(b.NumRows()) {
		if r.rest, err = r.spill(ctx, b); err != nil {
			return nil, err
		}
		return r.rest.Next(ctx)
	}
	r.hashes = rows.Keys(r.hashes[:0], b, r.keyColumns())
	keep := make([]bool, len(r.hashes))
	for i, h := range r.hashes {
		keep[i] = r.seen.Add(h)
	}
	return rows.Filter(ctx, b, keep, r.env.Alloc)
}

func (r *seenReader) keyColumns() []int {
	cols := make([]int, len(r.keys))
	for i, k := range r.keys {
		cols[i] = k.Index
	}
	return cols
}

// fits takes room for n more keys from the budget, up to a quarter of it.
func (r *seenReader) fits(n int64) bool {
	want := (int64(r.seen.Len()) + n) * rows.SetBytes
	if want <= r.taken {
		return true
	}
	if want > r.env.Memory.Limit()/4 || !r.env.Memory.Take(want-r.taken) {
		return false
	}
	r.taken = want
	return true
}

func (r *seenReader) Close() error {
	r.env.Memory.Give(r.taken)
	r.taken, r.seen = 0, rows.Set{}
	if r.rest != nil {
		rest := r.rest
		r.rest = pipeline.Batches()
		return firstOf(rest.Close(), r.in.Close())
	}
	return r.in.Close()
}

// spill gives the rest of the rows, from b on, to DuckDB, with the hashes of their
// keys, and takes back the first of each key that was not seen.
func (r *seenReader) spill(ctx context.Context, b arrow.RecordBatch) (pipeline.Reader, error) {
	s, err := openSession(r.env, 1)
	if err != nil {
		return nil, err
	}
	hashes := hashFields(r.schema)
	hashed := arrow.NewSchema(append(append([]arrow.Field{}, r.schema.Fields()...), hashes...), nil)
	b.Retain()
	err = firstOf(
		s.load(ctx, "seen", arrow.NewSchema(hashes, nil), r.seenKeys(arrow.NewSchema(hashes, nil))),
		s.load(ctx, "t", numbered(hashed), withNumbers(&hashedReader{seenReader: r, first: b, schema: hashed}, hashed, r.env)),
	)
	if err != nil {
		return nil, firstOf(err, s.close())
	}
	r.seen = rows.Set{}
	cols := quoteAll(pipeline.ColumnNames(r.schema))
	res, err := s.prepare(ctx, fmt.Sprintf(`SELECT %s FROM t WHERE %[2]s IN (
		SELECT min(%[2]s) FROM t ANTI JOIN seen ON t.%[3]s = seen.%[3]s AND t.%[4]s = seen.%[4]s GROUP BY t.%[3]s, t.%[4]s) ORDER BY %[2]s`,
		cols, rowID(hashed), quote(hashes[0].Name), quote(hashes[1].Name)))
	if err != nil {
		return nil, firstOf(err, s.close())
	}
	res.alloc = r.env.Alloc
	return &conformed{Reader: &relabelled{res, plainSchema(r.schema)}, schema: r.schema, env: r.env}, nil
}

// hashFields are columns for the hashes, beside those of a schema.
func hashFields(schema *arrow.Schema) []arrow.Field {
	return []arrow.Field{
		{Name: freeName(schema, "-hi"), Type: arrow.PrimitiveTypes.Uint64},
		{Name: freeName(schema, "-lo"), Type: arrow.PrimitiveTypes.Uint64},
	}
}

// hashColumns gives the hashes as two columns; the caller releases them.
func hashColumns(env *pipeline.Env, hashes []xxh3.Uint128) (hi, lo arrow.Array) {
	h, l := array.NewUint64Builder(env.Alloc), array.NewUint64Builder(env.Alloc)
	defer h.Release()
	defer l.Release()
	for _, u := range hashes {
		h.Append(u.Hi)
		l.Append(u.Lo)
	}
	return h.NewArray(), l.NewArray()
}

// seenKeys reads the keys of the set.
func (r *seenReader) seenKeys(schema *arrow.Schema) pipeline.Reader {
	next, stop := iter.Pull(r.seen.All())
	return &seenKeys{r.env, schema, next, stop}
}

type seenKeys struct {
	env    *pipeline.Env
	schema *arrow.Schema
	next   func() (xxh3.Uint128, bool)
	stop   func()
}

func (k *seenKeys) Next(context.Context) (arrow.RecordBatch, error) {
	var some []xxh3.Uint128
	for len(some) < batchRows {
		h, ok := k.next()
		if !ok {
			break
		}
		some = append(some, h)
	}
	if len(some) == 0 {
		return nil, io.EOF
	}
	hi, lo := hashColumns(k.env, some)
	defer hi.Release()
	defer lo.Release()
	return array.NewRecordBatch(k.schema, []arrow.Array{hi, lo}, int64(len(some))), nil
}

func (k *seenKeys) Close() error {
	k.stop()
	return nil
}

// hashedReader reads the rest of the rows with the hashes of their keys.
type hashedReader struct {
	*seenReader
	first  arrow.RecordBatch
	schema *arrow.Schema
}

func (r *hashedReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	b := r.first
	r.first = nil
	if b == nil {
		var err error
		if b, err = r.in.Next(ctx); err != nil {
			return nil, err
		}
	}
	defer b.Release()
	hi, lo := hashColumns(r.env, rows.Keys(nil, b, r.keyColumns()))
	defer hi.Release()
	defer lo.Release()
	return array.NewRecordBatch(r.schema, append(append([]arrow.Array{}, b.Columns()...), hi, lo), b.NumRows()), nil
}

func (r *hashedReader) Close() error {
	if r.first != nil {
		r.first.Release()
		r.first = nil
	}
	return nil
}
