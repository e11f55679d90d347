package keys

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

func key(i uint64) xxh3.Uint128 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], i)
	return xxh3.Hash128(b[:])
}

// some gives n keys of which about one in different is another.
func some(r *rand.Rand, n int, different uint64) []xxh3.Uint128 {
	all := make([]xxh3.Uint128, n)
	for i := range all {
		all[i] = key(r.Uint64N(max(1, different)))
	}
	return all
}

// crowd puts all keys into two partitions.
func crowd(keys []xxh3.Uint128) {
	for i := range keys {
		keys[i].Hi &= 1<<56 - 1
	}
}

// oracle counts keys in a map.
type oracle map[xxh3.Uint128]*Sample

func (o oracle) add(keys []xxh3.Uint128, at []uint64) {
	for i, h := range keys {
		s := o[h]
		if s == nil {
			s = &Sample{Key: h}
			o[h] = s
		}
		if s.Rows++; at != nil {
			switch s.Rows {
			case 1:
				s.First = at[i]
			case 2:
				s.Second = at[i]
			}
		}
	}
}

// group gathers keys, in the order of samples.
func (o oracle) group(n int, has func(*Sample) bool) (g Group) {
	var all []Sample
	for _, s := range o {
		if has(s) {
			g.Keys++
			g.Rows += s.Rows
			all = append(all, *s)
		}
	}
	slices.SortFunc(all, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Key.Hi, b.Key.Hi), cmp.Compare(a.Key.Lo, b.Key.Lo))
	})
	if len(all) > 0 && n > 0 {
		g.Samples = all[:min(n, len(all))]
	}
	return g
}

func (o oracle) counts(rows int64, n int) Counts {
	c := Counts{Rows: rows, Distinct: int64(len(o)), Repeated: o.group(n, func(s *Sample) bool { return s.Rows > 1 })}
	c.Once = c.Distinct - c.Repeated.Keys
	return c
}

// fill adds keys in batches through logs of units, which are merged in order.
func fill(t *testing.T, r *rand.Rand, to *Log, fresh func() *Log, keys []xxh3.Uint128, at []uint64) {
	t.Helper()
	for len(keys) > 0 {
		unit := fresh()
		for range 1 + r.IntN(4) {
			n := min(len(keys), 1+r.IntN(1<<r.IntN(17)))
			var err error
			if at == nil {
				err = unit.Add(keys[:n])
			} else {
				err = unit.AddAt(keys[:n], at[:n])
				at = at[n:]
			}
			if err != nil {
				t.Fatal(err)
			}
			keys = keys[n:]
		}
		if err := to.Merge(unit); err != nil {
			t.Fatal(err)
		}
	}
}

// ample is room for what is forced: buffers of reading, the least table, the least logs.
const ample = 1 << 20

// A map is the oracle, whatever the budget.
func TestAnswersAreExact(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 1))
		limit := int64(ample) << r.IntN(9)
		t.Run(fmt.Sprintf("seed %d, %d KiB", seed, limit>>10), func(t *testing.T) {
			budget, dir := pipeline.NewBudget(limit), t.TempDir()
			s := NewStore(budget, limit>>(1+r.IntN(2)), faults.OS(), dir)
			positions := r.IntN(2) == 0
			n := r.IntN(1 << (8 + r.IntN(11)))
			childKeys := some(r, n, uint64(n)*4>>r.IntN(1<<r.IntN(5)))
			parentKeys := some(r, 1+r.IntN(n+1), uint64(n)*4>>r.IntN(1<<r.IntN(5)))
			allowed, hogged := limit, int64(0)
			if r.IntN(3) == 0 {
				crowd(childKeys)
				crowd(parentKeys)
				allowed += ample
			}
			var at []uint64
			fresh := s.Log
			if positions {
				fresh = s.Positions
				for i := range childKeys {
					at = append(at, uint64(i)<<8)
				}
			}
			child, parent, set := fresh(), s.Set(), s.Set()
			fill(t, r, child, fresh, childKeys, at)
			fill(t, r, parent, s.Set, parentKeys, nil)
			fill(t, r, set, s.Set, childKeys, nil)
			want, parents := oracle{}, oracle{}
			want.add(childKeys, at)
			parents.add(parentKeys, nil)

			if r.IntN(2) == 0 { // another takes what is left
				for budget.Take(16 << 10) {
					hogged += 16 << 10
				}
				allowed += ample
			}
			samples := r.IntN(6)
			got, err := child.Count(t.Context(), samples)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want.counts(int64(n), samples), got); diff != "" {
				t.Error(diff)
			}
			match, err := child.Match(t.Context(), parent, samples)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(Match{
				Missing: want.group(samples, func(s *Sample) bool { return parents[s.Key] == nil }),
				Present: want.group(samples, func(s *Sample) bool { return parents[s.Key] != nil }),
			}, match); diff != "" {
				t.Error(diff)
			}
			if match, err = set.Match(t.Context(), parent, 0); err != nil {
				t.Fatal(err)
			}
			missing := want.group(0, func(s *Sample) bool { return parents[s.Key] == nil }).Keys
			present := int64(len(want)) - missing
			if diff := gocmp.Diff(Match{Group{missing, missing, nil}, Group{present, present, nil}}, match); diff != "" {
				t.Error(diff)
			}
			got, err = set.Count(t.Context(), 3)
			if diff := gocmp.Diff(Counts{Rows: int64(n), Distinct: int64(len(want)), Once: int64(len(want))}, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
			t.Logf("%d keys, %d distinct, %d bytes spilled, peak %d of %d", n, len(want), s.Spilled(), budget.Peak(), limit)
			if budget.Peak() > allowed {
				t.Errorf("%d bytes were taken, %d allowed", budget.Peak(), allowed)
			}
			closed(t, s, dir)
			budget.Give(hogged)
			if !budget.Take(limit) {
				t.Error("not all was given back")
			}
		})
	}
}

// Logs of one store are filled by several goroutines at once, and merged in order: what
// comes of it is the same for any number of them.
func TestWorkers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := some(r, 300_000, 200_000)
	at := make([]uint64, len(keys))
	for i := range at {
		at[i] = uint64(i)
	}
	var want Counts
	for _, workers := range []int{1, 2, 8} {
		dir := t.TempDir()
		budget := pipeline.NewBudget(8 << 20)
		s := NewStore(budget, 0, faults.OS(), dir)
		all := s.Positions()
		for from := 0; from < len(keys); from += workers * 10_000 {
			units := make([]*Log, workers)
			var done sync.WaitGroup
			for w := range units {
				units[w] = s.Positions()
				a := min(from+w*10_000, len(keys))
				b := min(a+10_000, len(keys))
				done.Go(func() {
					if err := units[w].AddAt(keys[a:b], at[a:b]); err != nil {
						t.Error(err)
					}
				})
			}
			done.Wait()
			for _, u := range units {
				if err := all.Merge(u); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, err := all.Count(t.Context(), 5)
		if err != nil || s.Spilled() == 0 {
			t.Fatalf("%v, %d bytes spilled", err, s.Spilled())
		}
		if workers == 1 {
			want = got
		} else if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%d workers: %s", workers, diff)
		}
		if budget.Peak() > budget.Limit() {
			t.Errorf("%d workers: %d bytes were taken", workers, budget.Peak())
		}
		closed(t, s, dir)
	}
}

// closed closes a store; nothing of it is left.
func closed(t *testing.T, s *Store, dir string) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if open := openFiles(dir); len(open) > 0 {
		t.Errorf("open: %v", open)
	}
	if err := s.Close(); err != nil {
		t.Error("closed twice:", err)
	}
}

func openFiles(dir string) (open []string) {
	if runtime.GOOS != "linux" {
		return nil
	}
	all, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range all {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, dir) {
			open = append(open, to)
		}
	}
	return open
}

// Dropping a log gives back just what it took.
func TestDrop(t *testing.T) {
	budget := pipeline.NewBudget(4 << 20)
	s := NewStore(budget, 1<<20, faults.NewMem(), "/")
	r := rand.New(rand.NewPCG(3, 4))
	for _, fresh := range []func() *Log{s.Log, s.Set, s.Positions} {
		l := fresh()
		var at []uint64
		if l.positions {
			at = make([]uint64, 300_000)
		}
		fill(t, r, l, fresh, some(r, 300_000, 100_000), at)
		if _, err := l.Count(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		l.Drop()
		if s.held != 0 || s.work != 0 || !budget.Take(4<<20) {
			t.Fatalf("%d bytes are held, %d worked with", s.held, s.work)
		}
		budget.Give(4 << 20)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Few different keys need little room, however many rows have them.
func TestSetOfFewKeysStaysSmall(t *testing.T) {
	for _, limit := range []int64{16 << 20, 64 << 20} {
		budget := pipeline.NewBudget(limit)
		s := NewStore(budget, 0, faults.NewMem(), "/")
		r := rand.New(rand.NewPCG(3, 4))
		all := s.Set()
		for range 20 {
			fill(t, r, all, s.Set, some(r, 100_000, 50_000), nil)
		}
		if s.Spilled() > 2_000_000*keyBytes/8 || budget.Peak() > limit/2 { // some units find no room
			t.Errorf("%d of %d bytes taken, %d spilled", budget.Peak(), limit, s.Spilled())
		}
		got, err := all.Count(t.Context(), 0)
		if err != nil || got.Distinct != 50_000 {
			t.Errorf("%d distinct, %v", got.Distinct, err)
		}
	}
}

// Hashes that differ in their last bits alone can't be cut into ranges.
func TestKeysOfOneRange(t *testing.T) {
	budget := pipeline.NewBudget(256 << 10)
	s := NewStore(budget, 0, faults.NewMem(), "/")
	l := s.Log()
	for i := range uint64(20_000) {
		if err := l.Add([]xxh3.Uint128{{Hi: 7, Lo: i}, {Lo: i}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := l.Count(t.Context(), 1)
	if want := (Counts{Rows: 40_000, Distinct: 40_000, Once: 40_000}); err != nil || gocmp.Diff(want, got) != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// spilled gives a log that has spilled, on a file system in memory.
func spilled(t *testing.T, mem *faults.Mem) (*Store, *Log) {
	t.Helper()
	s := NewStore(pipeline.NewBudget(1<<20), 0, mem, "/")
	l := s.Log()
	if err := l.Add(some(rand.New(rand.NewPCG(5, 6)), 200_000, 1<<40)); err != nil {
		t.Fatal(err)
	}
	if s.Spilled() == 0 {
		t.Fatal("nothing was spilled")
	}
	return s, l
}

func wantIO(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if pipeline.KindOf(err) != pipeline.IO || !strings.HasPrefix(err.Error(), text) {
		t.Errorf("%s error: %v\nwant %s", pipeline.KindOf(err), err, text)
	}
}

var errDisk = errors.New("no space left on device")

func TestFullDisk(t *testing.T) {
	for _, op := range []string{"create", "write"} {
		mem := faults.NewMem()
		mem.Before = func(n int, did, _ string) error {
			if did == op && n > 1 || op == "create" {
				return errDisk
			}
			return nil
		}
		s := NewStore(pipeline.NewBudget(1<<20), 0, mem, "/")
		l, other := s.Log(), s.Log()
		keys := some(rand.New(rand.NewPCG(5, 6)), 200_000, 1<<40)
		wantIO(t, l.Add(keys), "spilling keys: "+op+" ")
		wantIO(t, other.Add(keys), "spilling keys: "+op+" ")
		_, err := l.Count(t.Context(), 0)
		wantIO(t, err, "spilling keys: "+op+" ")
		wantIO(t, s.Log().Merge(l), "spilling keys: "+op+" ")
		mem.Before = nil
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := mem.ReadDir("/"); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
}

// The texts of errors say what to do.
func TestErrorTexts(t *testing.T) {
	mem := faults.NewMem()
	_, l := spilled(t, mem)
	mem.Before = func(_ int, op, _ string) error {
		if op == "open" {
			return errDisk
		}
		return nil
	}
	_, err := l.Count(t.Context(), 0)
	if want := "reading spilled keys: open /keys-0.spill: no space left on device\n" +
		"\tkeys that don't fit in memory are kept in a file of the run: free disk space, or give the run more memory with --memory"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	dir := t.TempDir()
	s := NewStore(pipeline.NewBudget(1<<20), 0, faults.OS(), dir)
	l = s.Log()
	if err := l.Add(make([]xxh3.Uint128, 100_000)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "keys-0.spill")
	bad, _ := os.ReadFile(path)
	bad[17]++
	rewrite(t, path, bad)
	_, err = l.Count(t.Context(), 0)
	want := "spilled keys: checksum of partition 0 is SUM, SUM was written\n\t" + path + " was damaged while the run went on\n" +
		"\trun it again; if it happens again the disk is not to be trusted"
	if err == nil || regexp.MustCompile("[0-9a-f]{16}").ReplaceAllString(err.Error(), "SUM") != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	closed(t, s, dir)
}

func TestUnreadable(t *testing.T) {
	for _, op := range []string{"open", "read"} {
		mem := faults.NewMem()
		_, l := spilled(t, mem)
		mem.Before = func(_ int, did, _ string) error {
			if did == op {
				return errDisk
			}
			return nil
		}
		_, err := l.Count(t.Context(), 0)
		wantIO(t, err, "reading spilled keys: "+op+" ")
	}
}

// Whatever bit is turned, and wherever the file is cut off, the answer is an error.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	budget := pipeline.NewBudget(1 << 20)
	s := NewStore(budget, 0, faults.OS(), dir)
	l := s.Log()
	if err := l.Add(some(rand.New(rand.NewPCG(5, 6)), 200_000, 1<<40)); err != nil {
		t.Fatal(err)
	}
	want, err := l.Count(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "keys-0.spill")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		bad := slices.Clone(sound)
		bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		rewrite(t, path, bad)
		_, err := l.Count(t.Context(), 2)
		wantIO(t, err, "spilled keys: checksum of partition ")
		rewrite(t, path, sound[:r.IntN(len(sound))])
		_, err = l.Match(t.Context(), l, 2)
		wantIO(t, err, "reading spilled keys: EOF")
	}
	rewrite(t, path, sound)
	if got, err := l.Count(t.Context(), 2); err != nil || gocmp.Diff(want, got) != "" {
		t.Errorf("the sound file gives %+v, %v", got, err)
	}
	closed(t, s, dir)
}

func rewrite(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCanceled(t *testing.T) {
	_, l := spilled(t, faults.NewMem())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Count(ctx, 0)
	if pipeline.KindOf(err) != pipeline.Canceled {
		t.Error(err)
	}
}

func TestNamesInUse(t *testing.T) {
	mem := faults.NewMem()
	a, _ := spilled(t, mem)
	b, l := spilled(t, mem)
	if a.spill.path == b.spill.path {
		t.Error("two stores have one file")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if got, err := l.Count(t.Context(), 0); err != nil || got.Rows != 200_000 {
		t.Error(got, err)
	}
}
