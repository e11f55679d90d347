package crashtest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/seed"
)

// Processes that run random pipelines are killed at points before and after every durable
// step, and at any time; also while they clear up after those that were killed before.
// Whatever they left is looked at; then others are started, which do again what was
// interrupted, and after that all invariants hold.
func TestKill(t *testing.T) {
	c := newCampaign(t, buildChild(t))
	c.want, c.cyclesEach = 100, 25
	if seed.Long() {
		c.want, c.cyclesEach = 10_000, 50
	}
	if text := os.Getenv("PENSTOCK_CYCLES"); text != "" {
		c.want, _ = strconv.Atoi(text)
	}
	first := seed.For(t)
	var all sync.WaitGroup
	for i := range uint64(2) {
		all.Go(func() {
			for n := uint64(0); c.goesOn(); n++ {
				s := first + 2*n + i
				dir := filepath.Join(t.TempDir(), strconv.FormatUint(s, 10))
				if err := c.project(dir, s); err != nil {
					c.violation("PENSTOCK_SEED=%d: %v", s, err)
					if keep := os.Getenv("PENSTOCK_KEEP"); keep != "" {
						err = os.Rename(dir, filepath.Join(keep, filepath.Base(dir)))
						t.Logf("%s is kept: %v", dir, err)
					}
				}
				_ = os.RemoveAll(dir)
			}
		})
	}
	all.Wait()
	c.report()
}

// campaign is what several projects at a time share.
type campaign struct {
	t          *testing.T
	exe        string
	want       int
	cyclesEach int

	mu         sync.Mutex
	cycles     int
	atPoints   int
	kills      map[string]int            // by point
	tries      map[string]int            // by point: how often a process should have died there
	known      map[string]map[string]int // by kind of command, and point: how often it is passed
	recoveries []time.Duration
	looks      int
	reads      int
	violations int
}

func newCampaign(t *testing.T, exe string) *campaign {
	return &campaign{t: t, exe: exe, kills: map[string]int{}, tries: map[string]int{}, known: map[string]map[string]int{}}
}

// goesOn reports whether there is more to kill, and time for it: the test says how far it
// came, and does not time out.
func (c *campaign) goesOn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	end, limited := c.t.Deadline()
	return c.cycles < c.want && c.violations < 10 && (!limited || time.Until(end) > time.Minute)
}

func (c *campaign) violation(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.violations++
	c.t.Errorf(format, args...)
}

// learn notes which points a kind of command passes.
func (c *campaign) learn(kind string, r Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known[kind] == nil {
		c.known[kind] = map[string]int{}
	}
	for point, n := range r.Hits {
		c.known[kind][point] = max(c.known[kind][point], n)
		c.kills[point] += 0
	}
}

// killed counts a cycle; at is the point, or empty.
func (c *campaign) killed(at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cycles++
	if at != "" {
		c.kills[at]++
		c.atPoints++
	}
}

func (c *campaign) recovered(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recoveries = append(c.recoveries, d)
}

// target chooses among kinds of commands one that passes a point at which few were killed,
// and how often it is to be passed. Not every command of a kind passes all that others did:
// what was tried in vain is tried less often.
func (c *campaign) target(rng *rand.Rand, kinds []string) (kind int, point string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind = rng.IntN(len(kinds))
	fewest := -1
	for _, i := range rng.Perm(len(kinds)) {
		for name := range c.known[kinds[i]] { // of those with as few, the order of the map chooses
			if k := 4*c.kills[name] + c.tries[name]; fewest < 0 || k < fewest {
				fewest, kind, point = k, i, name
			}
		}
	}
	if point == "" {
		return kind, "", 0
	}
	c.tries[point]++
	if n = 1; rng.IntN(2) == 0 {
		n += rng.IntN(min(20, c.known[kinds[kind]][point]))
	}
	return kind, point, n
}

// report prints the figures, and fails for what is not as it should be.
func (c *campaign) report() {
	slices.Sort(c.recoveries)
	at := func(share float64) time.Duration {
		if len(c.recoveries) == 0 {
			return 0
		}
		return c.recoveries[min(len(c.recoveries)-1, int(share*float64(len(c.recoveries))))].Round(time.Millisecond)
	}
	fewest, where := -1, ""
	for name, n := range c.kills {
		if fewest < 0 || n < fewest {
			fewest, where = n, name
		}
	}
	c.t.Logf("kill: %d cycles, %d of them at %d points, each at least %d times (%s); %d looks, %d reads meanwhile, %d violations; recovery p50 %s, p99 %s",
		c.cycles, c.atPoints, len(c.kills), fewest, where, c.looks, c.reads, c.violations, at(0.5), at(0.99))
	if c.cycles < c.want && c.violations == 0 {
		c.t.Errorf("there was no time for more than %d of %d cycles", c.cycles, c.want)
	}
	if p99 := at(0.99); seed.Long() && p99 >= time.Second {
		c.t.Errorf("recovery takes %s, p99", p99)
	}
	if seed.Long() && c.cycles >= 10_000 {
		c.everyPoint(50)
	}
}

// everyPoint checks that at each point that is listed so many were killed.
func (c *campaign) everyPoint(want int) {
	text, err := os.ReadFile(pointList)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if n := c.kills[name]; n < want {
			c.t.Errorf("at %q only %d were killed", name, n)
		}
	}
}
