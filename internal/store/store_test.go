package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func record(i int, status pipeline.Status, backfill string) *pipeline.RunRecord {
	return &pipeline.RunRecord{
		Run: fmt.Sprintf("r%03d", i), Pipeline: "p", Partition: fmt.Sprintf("k%03d", i), Status: status, Backfill: backfill,
		Started: time.Date(2001, 1, 1, 0, 0, i, 0, time.UTC),
		Bases:   []pipeline.Basis{{Stage: "s", Dataset: "out/s", Code: map[string]string{"s": "1"}}},
	}
}

// Changes that come at once are written in few transactions, each whole; one that can't be
// written harms no other.
func TestChangesAtOnce(t *testing.T) {
	s := open(t)
	broken := errors.New("can't be written")
	s.turn.Lock() // all of them wait for it
	const n = 40
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if i == 7 {
				errs[i] = s.Change(context.Background(), func(b *Changes) error {
					if _, err := b.exec(`DELETE FROM runs`); err != nil {
						return err
					}
					return broken
				})
				return
			}
			errs[i] = s.PutRun(context.Background(), record(i, pipeline.Published, "b1"))
		})
	}
	for waiting := 0; waiting < n; {
		s.mu.Lock()
		waiting = len(s.waiting)
		s.mu.Unlock()
	}
	s.turn.Unlock()
	all.Wait()
	for i, err := range errs {
		if i == 7 != errors.Is(err, broken) || i != 7 && err != nil {
			t.Errorf("change %d: %v", i, err)
		}
	}
	runs, err := s.Runs(context.Background(), RunFilter{Backfill: "b1", Limit: n})
	if err != nil || len(runs) != n-1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}

// Who has given up does not write, and keeps nobody from writing.
func TestChangeGivenUp(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.PutRun(ctx, record(1, pipeline.Published, "")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n, err := s.CountRuns(context.Background()); n != 0 || err != nil {
		t.Errorf("%d runs, %v", n, err)
	}
}

func TestRunsAreChosen(t *testing.T) {
	s, ctx := open(t), context.Background()
	for i, status := range []pipeline.Status{pipeline.Published, pipeline.Blocked, pipeline.Failed, pipeline.Blocked} {
		if err := s.PutRun(ctx, record(i, pipeline.Running, fmt.Sprintf("b%d", i/2))); err != nil {
			t.Fatal(err)
		}
		if err := s.PutRun(ctx, record(i, status, fmt.Sprintf("b%d", i/2))); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		f    RunFilter
		want string
	}{
		{RunFilter{}, "r003 r002 r001 r000 "},
		{RunFilter{Limit: 1}, "r003 "},
		{RunFilter{Backfill: "b0"}, "r001 r000 "},
		{RunFilter{Backfill: "b1", Status: pipeline.Blocked}, "r003 "},
		{RunFilter{Pipeline: "p", Partition: "k002"}, "r002 "},
		{RunFilter{Status: pipeline.Running}, ""},
	} {
		runs, err := s.Runs(ctx, test.f)
		got := ""
		for _, r := range runs {
			got += r.Run + " "
		}
		if err != nil || got != test.want {
			t.Errorf("%+v: %q, %v; want %q", test.f, got, err, test.want)
		}
	}
	ended := map[string]pipeline.Status{}
	if err := s.Ended(ctx, "b0", func(p string, st pipeline.Status) { ended[p] = st }); err != nil || fmt.Sprint(ended) != "map[k000:published k001:blocked]" {
		t.Errorf("%v, %v", ended, err)
	}
	if r, err := s.Run(ctx, "r002"); err != nil || r.Status != pipeline.Failed {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.Run(ctx, "r00"); err == nil {
		t.Error("four runs begin so, and one was found")
	}
}

// BenchmarkPutRun is one run among eight at once: ns/op is for the run.
func BenchmarkPutRun(b *testing.B) {
	s, err := Open(context.Background(), filepath.Join(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.SetParallelism(4)
	var mu sync.Mutex
	n := 0
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			n++
			i := n
			mu.Unlock()
			if err := s.PutRun(context.Background(), record(i, pipeline.Published, "")); err != nil {
				b.Error(err)
			}
		}
	})
}
