package crashtest_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/pipeline"
)

// modes are what a power cut keeps of what was not synced.
var modes = []faults.Unsynced{faults.Lost, faults.Half, faults.Kept}

// Power is cut at every operation of random commands, and whatever comes back is looked at:
// readers see the old version or the new one, whole; all that was acknowledged is there; the
// same command again converges, and leaves nothing behind.
func TestPowerCutAtEveryOperation(t *testing.T) {
	campaign(t, "states", 10_000, 1_000_000, func(h *history, c *command) error { return h.step(t.Context(), c) })
}

// campaign lives one history after the other, each of a seed, until they counted what is
// wanted; with PENSTOCK_SEED the one of that seed alone.
func campaign(t *testing.T, what string, short, wanted int64, step func(*history, *command) error) {
	t.Helper()
	if !seed.Long() {
		wanted = short
	}
	var count atomic.Int64
	var each sync.WaitGroup
	seeds := make(chan uint64)
	for range runtime.GOMAXPROCS(0) {
		each.Go(func() {
			for n := range seeds {
				h := &history{world: newWorld(n), count: &count, known: map[[sha256.Size]byte]*manifest{}}
				if err := h.live(step, wanted); err != nil {
					t.Errorf("PENSTOCK_SEED=%d: %v", n, err)
				}
			}
		})
	}
	first, last := seed.For(t), uint64(math.MaxUint64)
	if seed.Chosen() {
		last = first
	}
	next := first
	for ; next <= last && count.Load() < wanted && !t.Failed(); next++ {
		seeds <- next
		if next%100 == 0 {
			t.Logf("%d %s so far, of seeds %d to %d", count.Load(), what, first, next)
		}
	}
	close(seeds)
	each.Wait()
	t.Logf("%d %s, of seeds %d to %d", count.Load(), what, first, next-1)
	if count.Load() < wanted && first != last {
		t.Errorf("only %d %s of %d", count.Load(), what, wanted)
	}
}

// history is the life of a world.
type history struct {
	*world
	count *atomic.Int64
	known map[[sha256.Size]byte]*manifest
	err   error
}

// commands are how many a history has.
const commands = 12

func (h *history) live(step func(*history, *command) error, wanted int64) error {
	for i := 0; i < commands && h.count.Load() < wanted; i++ {
		c := h.choose()
		if err := step(h, c); err != nil {
			return fmt.Errorf("command %d, %s: %w", i+1, c, err)
		}
	}
	return nil
}

// step does a command with a power cut at each operation, and then without one, or with one
// after which nobody asks for the same again.
func (h *history) step(ctx context.Context, c *command) error {
	var fatal *faults.Mem
	at, end, mode := 0, h.rng.IntN(200), modes[h.rng.IntN(len(modes))]
	h.disk.Before = func(_ int, op, path string) error {
		if op == "open" || op == "read" { // the state is that of the next
			return nil
		}
		h.cut(ctx, c, fmt.Sprintf("%s %s", op, path))
		if at++; at == end {
			fatal = h.disk.Crash(mode)
		}
		return nil
	}
	o, err := c.do(ctx, h.store(torn{h.disk}))
	h.disk.Before = nil
	if err != nil || h.err != nil {
		return errors.Join(err, h.err)
	}
	if fatal != nil {
		h.disk = fatal
		return c.at.observe(disk{h.disk, h.known}, c)
	}
	c.at.learn(c, o)
	h.cut(ctx, c, "the end")
	return h.err
}

// torn is a file system that removes what is in a directory name by name, as real ones do.
type torn struct{ *faults.Mem }

func (t torn) RemoveAll(path string) error {
	for _, name := range list(disk{FS: t.Mem}, path) {
		if err := t.RemoveAll(filepath.Join(path, name)); err != nil {
			return err
		}
	}
	return t.Mem.RemoveAll(path)
}

// cut cuts the power now, with whatever may be left, and looks at it.
func (h *history) cut(ctx context.Context, c *command, where string) {
	for _, mode := range modes {
		if h.err != nil {
			return
		}
		h.count.Add(1)
		if err := h.revive(ctx, c, h.disk.Crash(mode)); err != nil {
			h.err = fmt.Errorf("power cut before %s, %s kept: %w", where, [...]string{"none", "half", "all"}[mode], err)
		}
	}
}

// revive looks at what came back, asks for the same again, and looks once more.
func (h *history) revive(ctx context.Context, c *command, mem *faults.Mem) error {
	for _, p := range h.places {
		if err := p.inspect(disk{mem, h.known}, c); err != nil {
			return err
		}
	}
	// A rebuild of the index would begin with this.
	if _, err := h.store(mem).Manifests(c.at.dataset); err != nil {
		return fmt.Errorf("the versions that are kept: %w", err)
	}
	if c.kind == approve && c.at.held == nil {
		return nil // it was acknowledged
	}
	again := *c
	again.at = c.at.clone()
	places := slices.Clone(h.places)
	places[slices.Index(places, c.at)] = again.at
	return h.converge(ctx, &again, mem, places)
}

// converge asks for the same again, and looks once more.
func (h *history) converge(ctx context.Context, c *command, mem *faults.Mem, places []*place) error {
	again := h.again(c)
	if m, err := readManifest(disk{mem, h.known}, c.at.visible()+"/_manifest.json"); c.kind == rollback && err == nil && (m.digest != c.at.current.digest || maps.Equal(c.at.current.texts, c.texts)) {
		again.kind = publishSame // it is done, and another rollback would be one more
		if c.at.torn {
			delete(c.at.seen, c.at.current.number) // which mended nothing
		}
	}
	o, err := again.do(ctx, h.store(mem))
	if err != nil {
		return fmt.Errorf("the same again: %w", err)
	}
	again.at.learn(again, o)
	for _, d := range []*faults.Mem{mem, mem.Crash(faults.Lost)} {
		if err := again.at.inspect(disk{d, h.known}, nil); err != nil {
			return fmt.Errorf("after the same again: %w", err)
		}
	}
	if err := litter(disk{mem, h.known}, places, again); err != nil {
		return fmt.Errorf("after the same again: %w", err)
	}
	return nil
}

// observe takes what came back for what is: what the command did is done or not.
func (p *place) observe(disk disk, c *command) error {
	m, err := readManifest(disk, p.visible()+"/_manifest.json")
	if err != nil {
		return err
	}
	if m != nil && (p.current == nil || m.digest != p.current.digest) {
		p.learn(c, outcomeOf(m))
		return nil
	}
	if c.kind == hold && p.holdsBy(disk, c) == nil {
		p.held = nil // its record was lost with the run
	}
	if p.held != nil && p.holds(disk, p.held) != nil {
		p.held = nil
	}
	return nil
}

// outcomeOf is what a command would have acknowledged that made a version current.
func outcomeOf(m *manifest) outcome {
	return outcome{version: &publish.Version{Manifest: &pipeline.Manifest{Version: m.Version}, Digest: m.digest}}
}
