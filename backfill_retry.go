package penstock

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// The waits before a partition is tried again.
const (
	firstWait = 200 * time.Millisecond
	lastWait  = 30 * time.Second
)

// attempts runs a partition, and again if it failed by what may heal.
func (b *backfill) attempts(ctx context.Context, i int, plan *PartitionPlan) (rec *pipeline.RunRecord, err error) {
	for n := 0; ; n++ {
		rec, err = b.share.runPlanned(ctx, b.pl, plan)
		if n >= b.opts.Retries || !heals(err) || b.draining() {
			return rec, err
		}
		wait := backoff(n, rand.Float64())
		b.events <- event{place: i, err: err, wait: wait}
		if serr := b.p.sleep(ctx, wait); serr != nil {
			return rec, err
		}
	}
}

// heals reports whether to try again may help: the disk or the network did not answer as they
// should. What a gate says, a schema, a file that nobody may read or another run is as it is.
func heals(err error) bool {
	return pipeline.KindOf(err) == pipeline.IO && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, faults.ErrNoExchange)
}

// backoff is how long to wait after the n-th failure: each time twice as long, and by chance
// up to half of it less, so that what failed together is not tried again together.
func backoff(n int, chance float64) time.Duration {
	wait := min(firstWait<<min(n, 20), lastWait)
	return wait - time.Duration(chance/2*float64(wait))
}
