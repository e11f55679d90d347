package penstock

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/breaks"
)

// nightly is a project that reconciles two files a night.
type nightly struct {
	t   *testing.T
	dir string
	p   *Project
	pl  *pipeline.Pipeline
}

const nightlyText = `name: night
partitions: {by: day, from: 2026-11-01, to: %s}
sources:
  ledger: {csv: 'in/ledger-{partition}.csv', schema: {id: utf8, amount: 'decimal(10, 2)', account: utf8}}
  bank: {csv: 'in/bank-{partition}.csv', schema: {id: utf8, amount: 'decimal(10, 2)'}}
stages:
  compare:
    from: [ledger, bank]
    operators: [{reconcile: {keys: [id], columns: {amount: {}}, carry: [account]}}]
  breaks:
    from: compare
    operators: [{breaks: {keep: 5}}]
    output: {parquet: warehouse/breaks}
`

func newNightly(t *testing.T, to string) *nightly {
	x := &nightly{t: t, dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(x.dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	x.open(fmt.Sprintf(nightlyText, to))
	return x
}

func (x *nightly) open(text string) {
	x.t.Helper()
	file := filepath.Join(x.dir, "night.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		x.t.Fatal(err)
	}
	var err error
	if x.pl, err = config.Load(file, config.Options{}); err != nil {
		x.t.Fatal(err)
	}
	if x.p, err = Open(context.Background(), x.dir, Options{Workers: 1, Actor: "anna"}); err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { x.p.Close() })
}

// found writes the sides of a night: lines "key amount" are on the left alone, others on both.
func (x *nightly) found(night string, lines ...string) {
	x.t.Helper()
	left, right := "id,amount,account\nm1,4.00,am\nm2,5.00,am\n", "id,amount\nm2,5.00\nm1,4.00\n"
	for _, line := range lines {
		key, amount, _ := strings.Cut(line, " ")
		left += fmt.Sprintf("%s,%s,a%s\n", key, amount, key)
	}
	for name, text := range map[string]string{"ledger": left, "bank": right} {
		if err := os.WriteFile(filepath.Join(x.dir, "in", name+"-"+night+".csv"), []byte(text), 0o644); err != nil {
			x.t.Fatal(err)
		}
	}
}

func (x *nightly) run(nights ...string) {
	x.t.Helper()
	for _, night := range nights {
		rec, err := x.p.Run(context.Background(), x.pl, night)
		if err != nil || rec.Status != pipeline.Published && rec.Status != pipeline.Unchanged {
			x.t.Fatalf("%s: %s, %v", night, rec.Status, err)
		}
	}
}

func (x *nightly) parts() []pipeline.Partition {
	x.t.Helper()
	parts, err := x.pl.Partitions.Range("", "")
	if err != nil {
		x.t.Fatal(err)
	}
	return parts
}

// plan gives the nights that are to be run, each with the reasons of the ledger.
func (x *nightly) plan() (text string) {
	x.t.Helper()
	plan, err := x.p.Plan(context.Background(), x.pl, x.parts(), PlanOptions{})
	if err != nil {
		x.t.Fatal(err)
	}
	for _, part := range plan.Partitions {
		for _, s := range part.Stages {
			if s.Stage != "breaks" || s.State == StateCurrent {
				continue
			}
			text += part.Name + " " + string(s.State)
			for _, r := range s.Reasons {
				text += "; " + r.What
			}
			text += "\n"
		}
	}
	return text
}

func (x *nightly) backfill() {
	x.t.Helper()
	b, err := x.p.Backfill(context.Background(), x.pl, x.parts(), BackfillOptions{})
	if err != nil {
		x.t.Fatal(err)
	}
	if b.Status != BackfillEnded || b.Counts.Blocked+b.Counts.Failed+b.Counts.Waiting > 0 {
		x.t.Fatalf("the backfill: %+v", b)
	}
}

// states are those of all breaks in a night: "7 open 1.00".
func (x *nightly) states(night string) string {
	x.t.Helper()
	all, err := x.p.Breaks(context.Background(), "", night, BreakFilter{})
	if err != nil {
		x.t.Fatal(err)
	}
	var lines []string
	for _, b := range all.Breaks {
		lines = append(lines, b.Key+" "+b.State+" "+b.Delta)
	}
	return strings.Join(lines, ", ")
}

func (x *nightly) id(key string) string {
	x.t.Helper()
	all, err := x.p.Breaks(context.Background(), "", "", BreakFilter{Where: fmt.Sprintf("key == %q", key)})
	if err != nil || len(all.Breaks) != 1 {
		x.t.Fatalf("%v, %v", all, err)
	}
	return all.Breaks[0].ID
}

func (x *nightly) decide(night, key string, o DecideBreak) *DecidedBreak {
	x.t.Helper()
	d, err := x.p.DecideBreak(context.Background(), "", night, x.id(key), o)
	if err != nil {
		x.t.Fatal(err)
	}
	return d
}

func (x *nightly) same(got, want string) {
	x.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		x.t.Error(diff)
	}
}

func (x *nightly) verified() string {
	x.t.Helper()
	r, err := x.p.VerifyAudit(context.Background(), audit.Options{})
	if err != nil {
		x.t.Fatal(err)
	}
	var lines []string
	for _, p := range r.Problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func TestADecisionIsPutOnRecordAndHolds(t *testing.T) {
	x := newNightly(t, "2026-11-03")
	x.found("2026-11-01", "7 5.00")
	x.found("2026-11-02", "7 5.00", "8 -9.00")
	x.found("2026-11-03", "7 5.00", "8 -9.00")
	x.backfill()
	x.same(x.states("2026-11-03"), "8 open -9.00, 7 open 5.00")
	x.same(x.plan(), "")
	d := x.decide("", "7", DecideBreak{Action: breaks.Accept, Reason: "a known fee", Days: 10})
	x.same(d.Decision.Until, "2026-11-13")
	x.same(x.plan(), "2026-11-03 stale; a decision: anna accepted "+d.Was.ID+" until 2026-11-13 (a known fee)\n")
	x.backfill()
	x.same(x.states("2026-11-03"), "8 open -9.00, 7 accepted 5.00")
	x.same(x.states("2026-11-02"), "8 new -9.00, 7 open 5.00")
	x.same(x.plan(), "")

	a := x.decide("2026-11-02", "8", DecideBreak{Action: breaks.Assign, Owner: "ben"})
	x.same(x.plan(), "2026-11-02 stale; a decision: anna assigned "+a.Was.ID+" to ben\n"+
		"2026-11-03 stale; a decision: anna assigned "+a.Was.ID+" to ben; 2026-11-02 runs\n")
	x.backfill()
	h, err := x.p.ShowBreak(context.Background(), "warehouse/breaks", "", a.Was.ID[:6], 0)
	if err != nil {
		t.Fatal(err)
	}
	x.same(fmt.Sprintln(h.Break.Owner, len(h.Nights), len(h.Decisions), h.Nights[1].State, h.Nights[0].Owner), "ben 2 1 new ben\n")
	if problems := x.verified(); problems != "" {
		t.Error(problems)
	}
}

// What a night found otherwise goes through to the nights after it, as far as their ledgers are
// others; where one comes out as it was, it stops.
func TestTheChainOfNights(t *testing.T) {
	x := newNightly(t, "2026-11-06")
	for night := 1; night <= 6; night++ {
		x.found(fmt.Sprintf("2026-11-%02d", night), "7 5.00")
	}
	x.backfill()
	x.same(x.states("2026-11-06"), "7 open 5.00")

	x.found("2026-11-02", "7 6.00") // and back on the third: both are changed, and the fourth is as it was
	if got := x.plan(); strings.Count(got, "stale") != 5 || !strings.Contains(got, "2026-11-06 stale") {
		t.Errorf("the plan says %q", got)
	}
	x.backfill()
	x.same(x.states("2026-11-02")+", "+x.states("2026-11-03")+", "+x.states("2026-11-04"), "7 changed 6.00, 7 changed 5.00, 7 open 5.00")
	x.same(x.plan(), "")

	// Tonight's sides have other bytes, and the ledger comes out the same: no other night runs.
	for _, side := range []string{"ledger", "bank"} {
		edit(t, filepath.Join(x.dir, "in", side+"-2026-11-03.csv"), "m1,4.00", "m1,4.01")
	}
	before := x.versions()
	x.backfill()
	x.same(x.versions(), before)
}

// versions are those of all nights of the ledger.
func (x *nightly) versions() (text string) {
	x.t.Helper()
	for _, part := range x.parts() {
		m, err := x.p.Current("warehouse/breaks", part)
		if err != nil {
			x.t.Fatal(err)
		}
		text += fmt.Sprintf("%s v%d\n", part, m.Version)
	}
	return text
}

// A night that could not be reconciled leaves a gap: the next begins anew, and is put right as
// soon as the night is there.
func TestAGapIsPutRight(t *testing.T) {
	x := newNightly(t, "2026-11-03")
	x.found("2026-11-01", "7 5.00")
	x.found("2026-11-03", "7 5.00")
	x.run("2026-11-01", "2026-11-03")
	x.same(x.states("2026-11-03"), "7 new 5.00")
	x.found("2026-11-02", "7 5.00")
	x.backfill()
	x.same(x.states("2026-11-03"), "7 open 5.00")
	x.same(x.plan(), "")
}

// Decisions open also nights that late data don't.
func TestDecisionsComeAlsoBeforeTheLookback(t *testing.T) {
	x := newNightly(t, "2026-11-03")
	for night := 1; night <= 3; night++ {
		x.found(fmt.Sprintf("2026-11-%02d", night), "7 5.00")
	}
	x.open(strings.Replace(fmt.Sprintf(nightlyText, "2026-11-03"), "to: 2026-11-03", "to: 2026-11-03, lookback: 1", 1))
	x.backfill()
	x.found("2026-11-01", "7 6.00")
	x.same(x.plan(), "")
	x.decide("2026-11-01", "7", DecideBreak{Action: breaks.Assign, Owner: "ben"})
	if got := x.plan(); !strings.Contains(got, "2026-11-01 stale; a decision: anna assigned ") {
		t.Errorf("the plan says %q", got)
	}
}

func TestWhatCantBeDecided(t *testing.T) {
	x := newNightly(t, "2026-11-02")
	x.found("2026-11-01", "7 5.00", "8 1.00")
	x.found("2026-11-02", "8 1.00")
	x.backfill()
	for _, test := range []struct {
		key  string
		do   DecideBreak
		want string
	}{
		{"7", DecideBreak{Action: breaks.Accept, Reason: "x"}, "is cleared since 2026-11-02: there is nothing to accept"},
		{"8", DecideBreak{Action: breaks.Accept, Reason: " \t"}, "to accept a break needs a reason"},
		{"8", DecideBreak{Action: breaks.Reopen, Reason: "x"}, "is not accepted: it is open"},
		{"8", DecideBreak{Action: breaks.Assign, Owner: " "}, "to whom"},
		{"8", DecideBreak{Action: breaks.Assign, Owner: "ben", Days: 3}, "only what is accepted ends"},
		{"8", DecideBreak{Action: breaks.Accept, Owner: "ben", Reason: "x"}, "an owner belongs to an assignment"},
		{"8", DecideBreak{Action: breaks.Accept, Reason: "x", Days: -1}, "for how many days?"},
		{"8", DecideBreak{Action: breaks.Accept, Reason: "x", Days: 36501}, "for how many days?"},
		{"8", DecideBreak{Action: breaks.Accept, Reason: "x", Until: "2026-11"}, "neither a day nor a partition"},
		{"8", DecideBreak{Action: breaks.Accept, Reason: strings.Repeat("x", 4097)}, "at most 4096 bytes"},
		{"8", DecideBreak{Action: breaks.Assign, Owner: strings.Repeat("x", 4097)}, "at most 4096 bytes"},
		{"8", DecideBreak{Action: "drop"}, `unknown action "drop"`},
	} {
		_, err := x.p.DecideBreak(context.Background(), "", "", x.id(test.key), test.do)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v; expected %q", test.do, err, test.want)
		}
	}
	for id, want := range map[string]string{"": "at least 2 digits", "zz": "no break zz in warehouse/breaks@2026-11-02", "0123456789abcdef": "no break"} {
		_, err := x.p.DecideBreak(context.Background(), "", "", id, DecideBreak{Action: breaks.Assign, Owner: "ben"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; expected %q", id, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(x.dir, ".penstock/breaks")); err == nil {
		t.Error("something was put on record")
	}
	// Who can't sign decides nothing.
	p, err := Open(context.Background(), x.dir, Options{Workers: 1, Actor: "anna", AuditSigned: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = p.DecideBreak(context.Background(), "", "", x.id("8"), DecideBreak{Action: breaks.Assign, Owner: "ben"})
	if err == nil || !strings.Contains(err.Error(), "signs what is put on record") {
		t.Errorf("without a key: %v", err)
	}
}

func TestIdsByPrefix(t *testing.T) {
	x := newNightly(t, "2026-11-01")
	var lines []string
	for i := range 300 {
		lines = append(lines, fmt.Sprintf("k%d 1.00", i))
	}
	x.found("2026-11-01", lines...)
	x.backfill()
	all, err := x.p.Breaks(context.Background(), "", "", BreakFilter{})
	if err != nil {
		t.Fatal(err)
	}
	several := 0
	for _, b := range all.Breaks {
		h, err := x.p.ShowBreak(context.Background(), "", "", b.ID[:all.Digits], 0)
		if err != nil || h.Break.ID != b.ID {
			t.Fatalf("%s: %v, %v", b.ID[:all.Digits], h, err)
		}
		if _, err = x.p.ShowBreak(context.Background(), "", "", b.ID[:all.Digits-1], 0); err != nil {
			if several++; !strings.Contains(err.Error(), "2 breaks of warehouse/breaks@2026-11-01 begin with "+b.ID[:all.Digits-1]) {
				t.Error(err)
			}
		}
		if several > 0 {
			break
		}
	}
}

func TestThereAreOnlySoManyDecisions(t *testing.T) {
	x, _ := newDecided(t)
	was := mostDecisions
	defer func() { mostDecisions = was }()
	mostDecisions = 2
	x.decide("2026-11-01", "7", DecideBreak{Action: breaks.Assign, Owner: "ben"})
	_, err := x.p.DecideBreak(context.Background(), "", "2026-11-01", x.id("7"), DecideBreak{Action: breaks.Assign, Owner: "ben"})
	if err == nil || !strings.Contains(err.Error(), "has 2 decisions, and can't have more") {
		t.Error(err)
	}
}

// Decisions go from night to night. Where there are none, one is refused: it would hold nowhere, or
// in other partitions than the one that is meant.
func TestOnlyNightsAreDecided(t *testing.T) {
	for _, by := range []pipeline.Scheme{{}, {By: pipeline.Key, Keys: []string{"eu"}}} {
		dir := nightDir(t)
		row := "break,key,nth,column,cause,outcome,state,opened,nights,since,cleared,age_days,delta\n0123456789abcdef,2,1,amount,value,different,new,eu,1,eu,,,-1.00\n"
		if err := os.WriteFile(filepath.Join(dir, "in", "breaks.csv"), []byte(row), 0o644); err != nil {
			t.Fatal(err)
		}
		p, _ := openNight(t, dir)
		pl := nights(t, 2)
		pl.Night, pl.Partitions = nil, by
		pl.Sources[2].Source = csv.Source{Set: csv.Files("in/breaks.csv").Set, Schema: breaksSchema}
		part := ""
		if by.By == pipeline.Key {
			part = "eu"
		}
		runNight(t, p, pl, part, pipeline.Published)
		_, err := p.DecideBreak(context.Background(), "", "", "0123", DecideBreak{Action: breaks.Accept, Reason: "x", Days: 3})
		if err == nil || !strings.Contains(err.Error(), "decisions go from night to night, and warehouse/breaks has no partitions by hour, day, week or month") {
			t.Errorf("%q: %v", by.By, err)
		}
		if _, err := os.Stat(filepath.Join(dir, ".penstock/breaks")); err == nil {
			t.Errorf("%q: something was put on record", by.By)
		}
	}
}
