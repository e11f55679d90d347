package crashtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/seed"
)

// fill is a backfill of many small partitions, of which some have inputs that no run may
// publish: a gate blocks them, or they can't be read.
type fill struct {
	t        *testing.T
	dir, exe string
	rng      *rand.Rand
	hours    int
	bad      map[string]bool // by partition
	acks     map[string]int  // how often a partition was said to be published
	restarts []time.Duration // to the first partition that is new
	peak     int64           // of memory, in bytes
	running  time.Duration   // of backfills
	ended    int             // partitions that ended, as far as we were told
}

// A large backfill is killed again and again. In the end each good partition was committed
// just once, and each bad one is named, with its run.
func TestFill(t *testing.T) {
	hours, bad, kills := 1000, 7, 5
	if seed.Long() {
		hours, bad, kills = 100_000, 137, 50
	}
	if text := os.Getenv("PENSTOCK_HOURS"); text != "" {
		hours, _ = strconv.Atoi(text)
	}
	f := &fill{
		t: t, dir: t.TempDir(), exe: buildChild(t), rng: rand.New(rand.NewPCG(seed.For(t), 2)), hours: hours,
		bad: map[string]bool{}, acks: map[string]int{},
	}
	for len(f.bad) < bad {
		f.bad[Hour(f.rng.IntN(hours))] = true
	}
	f.give()
	for range kills {
		f.backfill((hours - f.ended) / (kills + 1))
	}
	f.backfill(0)
	f.check()
	f.plan()
	slices.Sort(f.restarts)
	rate := float64(f.ended) / f.running.Seconds()
	p := f.restarts[len(f.restarts)-1]
	t.Logf("fill: %d partitions, %d kills, %d bad ones named; %.0f partitions a second; restart to the first new one %s at most; %d MiB at most",
		hours, kills, len(f.bad), rate, p.Round(time.Millisecond), f.peak>>20)
	if seed.Long() && (p > 2*time.Second || rate < 500 || f.peak > 400<<20) {
		t.Error("want 2 s, 500 a second, and 400 MiB")
	}
}

// give writes the pipeline and the inputs.
func (f *fill) give() {
	f.t.Helper()
	spec, err := json.Marshal(Spec{Format: "csv", Hours: f.hours, Stages: []Stage{{Name: "one", From: "in", Mod: 7, Rest: 3, Most: 2000, Output: "csv"}}})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(f.dir+"/in", 0o755), os.WriteFile(f.dir+"/spec.json", spec, 0o644)); err != nil {
		f.t.Fatal(err)
	}
	for i := range f.hours {
		g := f.input(i)
		if err := os.WriteFile(filepath.Join(f.dir, "in", Hour(i)+".csv"), []byte(encode("csv", g)), 0o644); err != nil {
			f.t.Fatal(err)
		}
	}
}

// input is that of an hour; it can be computed again.
func (f *fill) input(i int) given {
	g := given{rows: table{{int64(i), int64(i % 1000), secret}, {int64(i), 7, "x"}}}
	if f.bad[Hour(i)] {
		g.rows = append(g.rows, row{1, 5000, secret})
		g.torn = i%2 == 0
	}
	return g
}

// backfill starts a process and kills it when so many more partitions are published; 0 lets
// it come to its end.
func (f *fill) backfill(killAfter int) {
	f.t.Helper()
	p, err := start(f.exe, f.dir, "")
	if err != nil {
		f.t.Fatal(err)
	}
	if killAfter > 0 {
		killAfter = 1 + f.rng.IntN(2*killAfter)
	}
	p.send(Command{Op: "backfill"})
	news := 0
	var first time.Time
	for r := range p.replies {
		if r.Op == "backfill" {
			break
		}
		if r.Op != "part" {
			continue
		}
		f.ended++
		if r.Status == "published" || r.Status == "unchanged" {
			f.acks[r.Partition]++
			if news++; news == 1 {
				first = time.Now()
				f.restarts = append(f.restarts, first.Sub(p.started))
			}
		}
		if news%1000 == 0 || news == 5 {
			f.peak = max(f.peak, peakOf(p.cmd.Process.Pid))
		}
		if killAfter > 0 && news >= killAfter {
			p.kill()
			killAfter = -1
		}
	}
	f.peak = max(f.peak, peakOf(p.cmd.Process.Pid))
	if !first.IsZero() {
		f.running += time.Since(first)
	}
	if killAfter < 0 {
		for range p.replies { // it is dead
		}
		return
	}
	if err := p.quit(); err != nil {
		f.t.Fatal(err)
	}
}

// peakOf is how much memory a process has had at most; 0 if it has ended.
func peakOf(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// check looks at all partitions from outside.
func (f *fill) check() {
	f.t.Helper()
	for i := range f.hours {
		name := Hour(i)
		dir := filepath.Join(f.dir, "out/one/hour="+name)
		versions := list(filepath.Join(f.dir, "out/.penstock/datasets/one/versions/hour="+name))
		if f.bad[name] {
			if len(versions) > 0 || len(list(dir)) > 0 {
				f.t.Errorf("%s is bad, and published: %v, %v", name, versions, list(dir))
			}
			continue
		}
		if f.acks[name] > 1 || len(versions) != 1 || versions[0] != "000001" {
			f.t.Errorf("%s was said to be published %d times, and has versions %v", name, f.acks[name], versions)
		}
		c := &checker{root: f.dir}
		m := c.read(filepath.Join(dir, "_manifest.json"))
		if m == nil {
			f.t.Fatalf("%s is not published", name)
		}
		for _, file := range m.Files {
			c.file(filepath.Join(dir, filepath.Base(file.Path)), file)
		}
		out, _, _ := Spec{Stages: []Stage{{Name: "one", From: "in", Mod: 7, Rest: 3, Most: 2000}}}.oracle(f.input(i).rows)
		if rows, err := rowsOf(dir, m); err != nil || rows.text() != out["one"].text() || len(c.wrong) > 0 {
			f.t.Fatalf("%s has %s, want %s; %v, %v", name, rows.text(), out["one"].text(), c.wrong, err)
		}
	}
	f.named()
}

// named checks that just the bad partitions are on record as blocked or failed, by what is
// wrong with them.
func (f *fill) named() {
	f.t.Helper()
	db, err := openIndex(f.dir + "/.penstock/state.db")
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	c, named := &checker{}, map[string]bool{}
	each(c, db, `SELECT partition, ifnull(json_extract(record, '$.error'), '') FROM runs WHERE status IN ('blocked', 'failed')`, func(part, problem string) {
		if !strings.HasPrefix(problem, "the process ended") {
			named[part] = true
		}
	})
	if len(c.wrong) > 0 || !maps.Equal(named, f.bad) {
		f.t.Errorf("%d are named, want %d; %v", len(named), len(f.bad), c.wrong)
	}
}

// plan has what is left planned: nothing that is good.
func (f *fill) plan() {
	f.t.Helper()
	p, err := start(f.exe, f.dir, "")
	if err != nil {
		f.t.Fatal(err)
	}
	p.send(Command{Op: "plan"})
	var r Reply
	for r = range p.replies {
		if r.Op == "plan" {
			break
		}
	}
	if err := p.quit(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Logf("fill: the plan of %d partitions takes %.2f s, and would run %d", f.hours, r.Seconds, r.Runs)
	if r.Error != "" || r.Runs > len(f.bad) || seed.Long() && r.Seconds > 1 {
		f.t.Errorf("it is %+v", r)
	}
}
