package penstock

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/penstock-data/penstock/reconcile/breaks"
	"github.com/penstock-data/penstock/reconcile/words"
)

// sixty is what happens over some nights: of each what it finds, by key, and what is decided.
type sixty struct {
	nights  []string
	found   []map[string]string
	decided [][]decided
}

type decided struct {
	key string
	DecideBreak
}

// newSixty makes nights in which breaks open, change, clear and open again, of which some are
// accepted, for a time or for good, assigned, and reopened.
func newSixty(r *rand.Rand, n int) *sixty {
	s := &sixty{}
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	now := map[string]string{}
	accepted := map[string]bool{}
	for i := range n {
		s.nights = append(s.nights, first.AddDate(0, 0, i).Format(time.DateOnly))
		for k := range 12 {
			key := strconv.Itoa(k)
			switch there := now[key] != ""; {
			case there && r.IntN(5) == 0:
				delete(now, key)
			case !there && r.IntN(7) == 0, there && r.IntN(6) == 0:
				now[key] = fmt.Sprintf("%d.%02d", r.IntN(3)-1, r.IntN(2)) // few values: some come again
			}
		}
		s.found = append(s.found, maps.Clone(now))
		var all []decided
		for _, key := range slices.Sorted(maps.Keys(now)) {
			switch r.IntN(14) {
			case 0:
				d := DecideBreak{Action: breaks.Accept, Reason: "r" + strconv.Itoa(i)}
				if r.IntN(2) == 0 {
					d.Days = 1 + r.IntN(6)
				}
				all, accepted[key] = append(all, decided{key, d}), true
			case 1:
				all = append(all, decided{key, DecideBreak{Action: breaks.Assign, Owner: "o" + strconv.Itoa(r.IntN(3))}})
			case 2:
				if accepted[key] {
					all, accepted[key] = append(all, decided{key, DecideBreak{Action: breaks.Reopen, Reason: "u" + strconv.Itoa(i)}}), false
				}
			}
		}
		s.decided = append(s.decided, all)
	}
	return s
}

// put writes what a night finds.
func (s *sixty) put(x *nightly, i int) { s.putAs(x, i, s.found[i]) }

func (s *sixty) putAs(x *nightly, i int, found map[string]string) {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(found)) {
		lines = append(lines, key+" "+found[key])
	}
	x.found(s.nights[i], lines...)
}

// decide makes the decisions of a night, whose ledger is there.
func (s *sixty) decide(x *nightly, i int) {
	x.t.Helper()
	for _, d := range s.decided[i] {
		all, err := x.p.Breaks(context.Background(), "", s.nights[i], BreakFilter{Where: fmt.Sprintf("key == %q", d.key)})
		if err != nil || len(all.Breaks) != 1 {
			x.t.Fatalf("%s: %v %v", s.nights[i], all, err)
		}
		if _, err := x.p.DecideBreak(context.Background(), "", s.nights[i], all.Breaks[0].ID, d.DecideBreak); err != nil {
			x.t.Fatalf("%s: %s of %s: %v", s.nights[i], d.Action, d.key, err)
		}
	}
}

// spoil finds something else in a night than it ought to.
func (s *sixty) spoil(r *rand.Rand, x *nightly, i int) {
	other := maps.Clone(s.found[i])
	for range 1 + r.IntN(3) {
		if key := strconv.Itoa(r.IntN(12)); r.IntN(2) == 0 {
			delete(other, key)
		} else {
			other[key] = "7.77"
		}
	}
	s.putAs(x, i, other)
}

// ledgers are the bytes of the ledger, by night.
func (s *sixty) ledgers(x *nightly) map[string][]byte {
	x.t.Helper()
	all := map[string][]byte{}
	for _, night := range s.nights {
		files, err := filepath.Glob(filepath.Join(x.dir, "warehouse/breaks", "day="+night, "*.parquet"))
		if err != nil || len(files) > 1 {
			x.t.Fatal(files, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				x.t.Fatal(err)
			}
			all[night] = text
		}
	}
	return all
}

// expected is a break as a model of the ledger has it, by its key.
type expected struct {
	state, opened, since, cleared, value, owner, until string
	nights, gone                                       int
}

// model gives what each night's ledger has, by code that shares nothing with the operator.
func (s *sixty) model(keep int) (all []map[string]expected) {
	type accept struct {
		value, until string
	}
	before, accepts, owners := map[string]expected{}, map[string]*accept{}, map[string]string{}
	for i, night := range s.nights {
		for _, d := range s.decided[i] {
			switch d.Action {
			case breaks.Assign:
				owners[d.key] = d.Owner
			case breaks.Reopen:
				delete(accepts, d.key)
			default:
				a := &accept{value: s.found[i][d.key]}
				if d.Days > 0 {
					day, _ := time.Parse(time.DateOnly, night)
					a.until = day.AddDate(0, 0, d.Days).Format(time.DateOnly)
				}
				accepts[d.key] = a
			}
		}
		now := map[string]expected{}
		for key, was := range before {
			if _, there := s.found[i][key]; there {
				continue
			}
			was.owner, was.until = owners[key], ""
			if was.state != words.Cleared {
				was.state, was.cleared = words.Cleared, night
			} else if was.gone++; was.gone > keep {
				continue
			}
			now[key] = was
		}
		for key, value := range s.found[i] {
			was, known := before[key]
			e := was
			e.value, e.owner, e.cleared, e.until, e.gone = value, owners[key], "", "", 0
			a := accepts[key]
			holds := a != nil && a.value == value && (a.until == "" || night <= a.until)
			e.nights++
			switch {
			case holds:
				e.state, e.until = words.Accepted, a.until
			case !known:
				e.state = words.New
			case was.state == words.Cleared || was.state == words.Accepted:
				e.state = words.Reopened
			case was.value != value:
				e.state = words.Changed
			default:
				e.state = words.Open
			}
			if !known {
				e.opened = night
			}
			if !known || was.state == words.Cleared || e.state == words.Reopened {
				e.since, e.nights = night, 1
			}
			now[key] = e
		}
		all = append(all, now)
		before = now
	}
	return all
}

// checkModel compares the ledger with the model.
func (s *sixty) checkModel(x *nightly) {
	x.t.Helper()
	seen := map[string]int{}
	for i, want := range s.model(5) {
		all, err := x.p.Breaks(context.Background(), "", s.nights[i], BreakFilter{})
		if err != nil {
			x.t.Fatal(err)
		}
		if len(all.Breaks) != len(want) {
			x.t.Errorf("%s has %d breaks, not %d", s.nights[i], len(all.Breaks), len(want))
		}
		for _, b := range all.Breaks {
			seen[b.State]++
			e := want[b.Key]
			got := expected{b.State, b.Opened, b.Since, b.Cleared, b.Delta, b.Owner, b.AcceptedUntil, b.Nights, e.gone}
			if got != e {
				x.t.Errorf("%s: break %s is %+v, not %+v", s.nights[i], b.Key, got, e)
			}
		}
	}
	for _, state := range words.States {
		if seen[state] == 0 {
			x.t.Errorf("no break was ever %s: the nights say too little", state)
		}
	}
}

// Whatever the order in which nights are run, run again with other data and put right, in the end
// the ledger is the same in every byte, and what a model says.
func TestSixtyNights(t *testing.T) {
	n := 60
	if testing.Short() || RaceEnabled { // the detector makes it ten times as long
		n = 15
	}
	r := rand.New(rand.NewPCG(60, 1))
	s := newSixty(r, n)
	last := s.nights[n-1]

	a := newNightly(t, last)
	for i, night := range s.nights { // one after the other, each with its decisions
		s.put(a, i)
		a.run(night)
		if len(s.decided[i]) > 0 {
			s.decide(a, i)
			a.run(night)
		}
	}
	a.same(a.plan(), "")
	s.checkModel(a)

	b := newNightly(t, last)
	open := map[int]bool{} // nights whose decisions are to be made
	for _, i := range r.Perm(n) {
		if s.put(b, i); r.IntN(3) == 0 {
			s.spoil(r, b, i)
		}
		b.run(s.nights[i])
		open[i] = true
	}
	for step := range n {
		i := r.IntN(n)
		switch r.IntN(4) {
		case 0:
			s.spoil(r, b, i)
			b.run(s.nights[i])
		case 1:
			s.put(b, i)
			b.run(s.nights[i])
		case 2: // those of earlier nights come first: nobody reopens what was not accepted
			if i = slices.MinFunc(slices.Collect(maps.Keys(open)), cmp.Compare[int]); open[i] {
				s.put(b, i)
				b.run(s.nights[i])
				s.decide(b, i)
				delete(open, i)
			}
		case 3:
			if step%(n/3) == 0 {
				b.backfill()
			}
		}
	}
	for i := range n {
		s.put(b, i)
	}
	for _, i := range slices.Sorted(maps.Keys(open)) {
		b.run(s.nights[i])
		s.decide(b, i)
	}
	b.backfill()
	b.same(b.plan(), "")
	s.checkModel(b)
	want, got := s.ledgers(a), s.ledgers(b)
	for _, night := range s.nights {
		if !bytes.Equal(want[night], got[night]) {
			t.Errorf("the ledger of %s has other bytes", night)
		}
	}
	for _, x := range []*nightly{a, b} {
		if problems := x.verified(); problems != "" {
			t.Error(problems)
		}
	}
}
