package pipeline

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Reader is a stream of record batches of one schema, pulled by its consumer,
// one goroutine at a time.
type Reader interface {
	// Next returns the next batch, or io.EOF itself (never wrapped) when there are
	// no more. The caller owns the batch and releases it. A batch may have no rows.
	Next(ctx context.Context) (arrow.RecordBatch, error)
	// Close frees what the reader holds, at any point of the stream, and waits for
	// its goroutines. It may be called more than once.
	Close() error
}

// A Placer is a reader of a split that leaves some rows out.
type Placer interface {
	Reader
	// Places gives, for each row of the batch that Next gave last, its place in the split.
	Places() []int32
}

// Batches returns a reader over the given batches, taking over their ownership.
func Batches(batches ...arrow.RecordBatch) Reader { return &batchReader{batches} }

type batchReader struct{ rest []arrow.RecordBatch }

func (r *batchReader) Next(ctx context.Context) (arrow.RecordBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(r.rest) == 0 {
		return nil, io.EOF
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b, nil
}

func (r *batchReader) Close() error {
	for _, b := range r.rest {
		b.Release()
	}
	r.rest = nil
	return nil
}

// Each calls f with every batch of r, releases the batch after each call, and
// closes r. It stops at the first error.
func Each(ctx context.Context, r Reader, f func(arrow.RecordBatch) error) (err error) {
	defer func() {
		if cerr := r.Close(); err == nil {
			err = cerr
		}
	}()
	for {
		b, err := r.Next(ctx)
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		err = f(b)
		b.Release()
		if err != nil {
			return err
		}
	}
}
