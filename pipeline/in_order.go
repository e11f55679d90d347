package pipeline

import (
	"context"
	"io"
)

// InOrder calls carry for each of n units of work, on as many goroutines as env has workers,
// and take with their results, one at a time and in the order of the units. carry says how many
// bytes its result holds: they are taken from the budget until take has returned.
func InOrder[T any](ctx context.Context, env *Env, n int, carry func(ctx context.Context, i int) (T, int64, error), take func(T) error) (err error) {
	begun := 0
	x := startExchange(ctx, env,
		func(context.Context) (*work, error) {
			if begun == n {
				return nil, io.EOF
			}
			begun++
			return &work{Unit: Unit{Seq: begun - 1}}, nil
		},
		func(ctx context.Context, w *work) (T, int64, error) { return carry(ctx, w.Seq) },
	)
	defer func() {
		if cerr := x.Close(func(T) {}); err == nil {
			err = cerr
		}
	}()
	for {
		v, err := x.Next(ctx)
		if isEOF(err) {
			return nil
		}
		if err == nil {
			err = take(v)
		}
		if err != nil {
			return err
		}
	}
}
