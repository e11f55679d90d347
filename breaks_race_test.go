package penstock

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/breaks"
)

// While several decide at once, each in a project of its own, nights run; no decision is lost, none
// counts twice, and no run takes one that is being made for a forgery.
func TestDecisionsWhileNightsRun(t *testing.T) {
	const each = 6
	x := newNightly(t, "2026-11-02")
	var lines []string
	for i := range 2 * each {
		lines = append(lines, fmt.Sprintf("k%d 1.00", i))
	}
	x.found("2026-11-01", lines...)
	x.found("2026-11-02", lines...)
	x.backfill()
	ids := map[string]string{}
	for i := range 2 * each {
		key := fmt.Sprintf("k%d", i)
		ids[key] = x.id(key)
	}
	var deciding, running sync.WaitGroup
	done := make(chan struct{})
	for who := range 2 {
		p, err := Open(context.Background(), x.dir, Options{Workers: 1, Actor: fmt.Sprint("actor", who)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		deciding.Go(func() {
			for i := range each {
				key := fmt.Sprintf("k%d", 2*i+who)
				if _, err := p.DecideBreak(context.Background(), "", "2026-11-01", ids[key], DecideBreak{Action: breaks.Assign, Owner: "of-" + key}); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
	running.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			for _, night := range []string{"2026-11-01", "2026-11-02"} {
				if rec, err := x.p.Run(context.Background(), x.pl, night); err != nil || rec.Status != pipeline.Published && rec.Status != pipeline.Unchanged {
					t.Errorf("%s: %s, %v", night, rec.Status, err)
				}
			}
		}
	})
	deciding.Wait()
	close(done)
	running.Wait()
	x.backfill()
	h, err := x.p.Breaks(context.Background(), "", "", BreakFilter{})
	if err != nil {
		t.Fatal(err)
	}
	owned := 0
	for _, b := range h.Breaks {
		if b.Owner == "of-"+b.Key {
			owned++
		}
	}
	all, err := (breaks.Decisions{Dataset: "warehouse/breaks"}).All(x.p.Env(x.pl, x.parts()[1]))
	if err != nil || len(all) != 2*each || owned != 2*each {
		t.Errorf("%d decisions, %d breaks have their owners, %v", len(all), owned, err)
	}
	if problems := x.verified(); problems != "" {
		t.Error(problems)
	}
}
