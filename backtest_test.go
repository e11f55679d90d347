package penstock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
)

// monthly is a pipeline of storedRows by month.
func monthly(format pipeline.Format, rules ...gates.Rule) *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name: "m", Partitions: pipeline.Scheme{By: pipeline.Month, From: "2026-01", To: "2026-06"},
		Sources: []pipeline.NamedSource{{Name: "in", Source: parquet.Files("{partition}.parquet")}, {Name: "ref", Source: csv.Files("ref.csv")}},
		Stages: []pipeline.Stage{{
			Name: "m", From: []string{"in"}, Gates: gates.Of(rules...), Output: &pipeline.Output{Path: "out/m", Format: format},
		}},
	}
}

var months = []string{"2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"}

// monthlyProject publishes six months, each with other rows, judged by the rules. What it
// gives are the findings, by month.
func monthlyProject(t *testing.T, format pipeline.Format, rules ...gates.Rule) (dir string, found map[string][]pipeline.Finding) {
	t.Helper()
	dir, found = t.TempDir(), map[string][]pipeline.Finding{}
	check(t, os.WriteFile(filepath.Join(dir, "ref.csv"), []byte("b\n1\n2\n3\n4\n5\n6\n7\n"), 0o644))
	p := open(t, dir)
	for i, month := range months {
		storedRows(t, filepath.Join(dir, month+".parquet"), int64(i*331))
		rec, err := p.Run(t.Context(), monthly(format, rules...), month)
		check(t, err)
		if rec.Status != pipeline.Published {
			t.Fatalf("%s: %s %+v", month, rec.Status, rec.Gates)
		}
		found[month] = rec.Gates
	}
	return dir, found
}

func backtest(t *testing.T, dir string, pl *pipeline.Pipeline, scan bool, o penstock.BacktestOptions) *penstock.Backtest {
	t.Helper()
	p, err := penstock.Open(t.Context(), dir, penstock.Options{Workers: 2, ForceScan: scan})
	check(t, err)
	defer p.Close()
	b, err := p.Backtest(t.Context(), pl, o)
	check(t, err)
	return b
}

// said is what a gate says of a partition, however it was decided.
func said(name string, f pipeline.Finding) string {
	return fmt.Sprint(name, " ", f.Name, " ", f.Verdict, " ", f.Observed, " ", f.Expected, " ", f.RowsTested, f.RowsFailed, f.RowsNull, f.GroupsFailed)
}

func allSaid(b *penstock.Backtest) (all []string) {
	for _, g := range b.Gates {
		for _, p := range g.Partitions {
			all = append(all, said(p.Partition, p.Finding)+p.Error)
		}
	}
	return all
}

// randomRule is a rule that may be stored under another name, or not at all.
func randomRule(r *rand.Rand, i int) gates.Rule {
	n := func(k int) int { return r.IntN(k) }
	pick := func(all ...string) string { return all[n(len(all))] }
	rule := gates.Rule{Name: fmt.Sprintf("r%d", i), Severity: pipeline.SeverityWarn}
	switch n(5) {
	case 0, 1:
		rule.Check = gates.Rows(pick("b > 2", "b * 2 < 15", "c < 2.5", "a % 7 < 6 && s != 's-3'", "c > 0.5 || b == 1", "20 / b > 2"))
		rule.AtMost = []gates.Tolerance{{}, gates.Count(int64(n(300))), gates.Share(float64(n(40)) / 100)}[n(3)]
		if n(3) == 0 {
			rule.Nulls = gates.NullsFail
		}
		if n(4) == 0 {
			rule.By = []string{"b"}
		} else if n(3) == 0 {
			rule.Else = gates.Quarantine
			if n(2) == 0 {
				rule.AtMost = gates.Share(0.9)
			}
		}
	case 2:
		rule.Check = gates.Expect(fmt.Sprintf(pick("mean(c) > %d.0", "sum(a) < %d * 100000", "count_if(b > 4) >= %d * 70", "rows() > %d * 150", "nulls(c) < %d * 30", "max(a) > history(2).max(max(a)) + %d"), n(6)))
		if n(4) == 0 {
			rule.By = []string{"b"}
		}
	case 3:
		rule.Check = []gates.Check{gates.Unique("a"), gates.Unique("b", "s"), gates.NotNull("c"), gates.References("b", "ref", "b")}[n(4)]
	default:
		rule.Check = gates.AnyOf(gates.Rows("b < 9"), gates.Expect("mean(b) > 5.0"))
	}
	if n(4) == 0 {
		rule.Where = pick("b > 4", "a % 2 == 0")
	}
	return rule
}

// What is said from stored states is what a scan of everything says; and of the rules that
// were in force, it is what they said then.
func TestBacktestIsAScan(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		var then, now []gates.Rule
		for i := range 6 {
			then = append(then, randomRule(r, i))
			now = append(now, randomRule(r, i+10))
		}
		dir, found := monthlyProject(t, parquet.Format{}, then...)
		pl := monthly(parquet.Format{}, append(then[:3:3], now...)...)
		got, want := backtest(t, dir, pl, false, penstock.BacktestOptions{}), backtest(t, dir, pl, true, penstock.BacktestOptions{})
		if diff := cmp.Diff(allSaid(want), allSaid(got)); diff != "" {
			t.Errorf("seed %d: stored is not as scanned (-scan +stored):\n%s\nthen %v\nnow %v", seed, diff, then, now)
		}
		aside := slices.ContainsFunc(then[3:], func(r gates.Rule) bool { return r.Else == gates.Quarantine })
		for i, g := range got.Gates[:3] {
			for _, p := range g.Partitions {
				f := found[p.Partition][i]
				if a, b := said(p.Partition, f), said(p.Partition, p.Finding); a != b && !aside {
					t.Errorf("seed %d: %s\nthen: %s\nnow:  %s", seed, then[i], a, b)
				}
			}
		}
	}
}

// A rule whose threshold changed is judged on what is stored: no file is opened.
func TestBacktestReadsNothingItKnows(t *testing.T) {
	dir, _ := monthlyProject(t, parquet.Format{}, gates.Rule{Name: "volume", Check: gates.Expect("rows() > 5")},
		gates.Rule{Name: "mean", Check: gates.Expect("mean(b) > 0.0")}, gates.Rule{Name: "low", Check: gates.Rows("b < 9"), AtMost: gates.Share(0.5)})
	files, err := filepath.Glob(filepath.Join(dir, "out/m/*/*.parquet"))
	check(t, err)
	kept, err := filepath.Glob(filepath.Join(dir, "out/.penstock/datasets/m/versions/*/*/data/*"))
	check(t, err)
	for _, f := range append(files, kept...) {
		check(t, os.Truncate(f, 0))
	}
	if len(kept) != 6 {
		t.Fatal(kept)
	}
	stop := 0.4
	b := backtest(t, dir, monthly(parquet.Format{}, gates.Rule{Name: "volume", Check: gates.Expect("rows() >= 600 && mean(b) >= 4.5")},
		gates.Rule{Name: "mean", Check: gates.Expect("mean(b) >= 4.5")}, gates.Rule{Name: "low", Check: gates.Rows("b < 9"), AtMost: gates.Count(59)}),
		false, penstock.BacktestOptions{Stop: &stop})
	for _, g := range b.Gates {
		for _, p := range g.Partitions {
			if p.RowsRead != 0 || p.Finding.BytesRead != 0 || p.Finding.DecidedBy != "stored states" || p.Error != "" {
				t.Errorf("%s %s: %d rows read, decided by %s, %s", g.Gate, p.Partition, p.RowsRead, p.Finding.DecidedBy, p.Error)
			}
		}
	}
	if low := b.Gates[2]; len(low.Stopped) != 6 || *low.Partitions[0].Margin != -1 {
		t.Errorf("%+v", low)
	}
}

// The limit that is proposed stops just the partitions that are named.
func TestBacktestLimitsStopWhatTheySay(t *testing.T) {
	dir, _ := monthlyProject(t, parquet.Format{}, gates.Rule{Check: gates.Expect("rows() > 5")})
	for _, share := range []float64{0, 0.2, 0.5, 0.99, 1} {
		for _, text := range []string{"sum(a) > 0", "mean(a) < 0.0", "mean(a) >= 0.0", "count_if(a % 100 < 30) <= 3", "at_most"} {
			rule := gates.Rule{Name: "g", Check: gates.Expect(text)}
			if text == "at_most" {
				rule = gates.Rule{Name: "g", Check: gates.Rows("a % 1000 < 700"), AtMost: gates.Share(0.1)}
			}
			s := backtest(t, dir, monthly(parquet.Format{}, rule), false, penstock.BacktestOptions{Stop: &share}).Gates[0].StopAt
			if most := int(share*6 + 1e-9); s.Of != 6 || s.Most != most || len(s.Partitions) > most {
				t.Errorf("%s: %+v, want at most %d", text, s, most)
			}
			if limit, ok := strings.CutPrefix(s.Limit, "at_most: "); ok {
				var err error
				rule.AtMost, err = gates.ParseTolerance(limit)
				check(t, err)
			} else {
				rule.Check = gates.Expect(s.Limit)
			}
			again := backtest(t, dir, monthly(parquet.Format{}, rule), true, penstock.BacktestOptions{}).Gates[0]
			if diff := cmp.Diff(s.Partitions, again.Stopped); diff != "" {
				t.Errorf("%s at %v: %s stops others than it said: %s", text, share, s.Limit, diff)
			}
		}
	}
}

// A metric that no manifest has is computed for the past as well, from the first partition of
// the range on.
func TestBacktestLearnsHistory(t *testing.T) {
	dir, _ := monthlyProject(t, parquet.Format{}, gates.Rule{Check: gates.Expect("rows() > 5")})
	pl := monthly(parquet.Format{}, gates.Rule{Name: "g", Check: gates.Expect("sum(a) > history(2).max(sum(a))")})
	g := backtest(t, dir, pl, false, penstock.BacktestOptions{From: "2026-02", To: "2026-05"} /* nothing of 01 */).Gates[0]
	var got []string
	for _, p := range g.Partitions {
		got = append(got, p.Partition+" "+string(p.Verdict))
	}
	want := []string{"2026-02 insufficient_history", "2026-03 insufficient_history", "2026-04 pass", "2026-05 pass"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What rules refer to is as it is in the pipeline: a source, a stage that is computed, or what
// a stage published of the same partition.
func TestBacktestRefersToStages(t *testing.T) {
	dir, _ := monthlyProject(t, parquet.Format{}, gates.Rule{Check: gates.Expect("rows() > 5")})
	pl := monthly(parquet.Format{})
	pl.Stages = append(pl.Stages,
		pipeline.Stage{Name: "half", From: []string{"m"}, Operators: []pipeline.Operator{operators.Filter("a % 2 == 0")}},
		pipeline.Stage{Name: "low", From: []string{"half"}, Operators: []pipeline.Operator{operators.Filter("b < 7"), sql.Sort(sql.SortKey{Column: "a"})}},
		pipeline.Stage{Name: "last", From: []string{"low"}, Output: &pipeline.Output{Path: "out/last", Format: parquet.Format{}}},
	)
	p := open(t, dir)
	for _, month := range months[1:] {
		_, err := p.Run(t.Context(), pl, month)
		check(t, err)
	}
	pl.Stages[3].Gates = gates.Of(
		gates.Rule{Name: "computed", Check: gates.Expect(`rows() == rows("low") && rows() < rows("half") && sum(a) == sum("low", a)`)},
		gates.Rule{Name: "published", Check: gates.Expect(`rows() * 5 == rows("m") * 2 && max(a) <= max("m", a)`)},
		gates.Rule{Name: "there", Check: gates.References("a", "m", "a")},
	)
	for _, scan := range []bool{false, true} {
		var got []string
		for _, g := range backtest(t, dir, pl, scan, penstock.BacktestOptions{GateFilter: penstock.GateFilter{Stage: "last"}, To: "2026-03"}).Gates {
			for _, p := range g.Partitions {
				got = append(got, fmt.Sprint(g.Gate, " ", p.Partition, " ", p.Verdict, " ", p.Error))
			}
		}
		want := []string{
			"computed 2026-02 pass ", "computed 2026-03 pass ",
			"published 2026-02 pass ", "published 2026-03 pass ", "there 2026-02 pass ", "there 2026-03 pass ",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	check(t, os.RemoveAll(filepath.Join(dir, "out/m/month=2026-03")))
	g := backtest(t, dir, pl, false, penstock.BacktestOptions{GateFilter: penstock.GateFilter{Gates: []string{"published"}}}).Gates[0]
	if fmt.Sprint(g.NotJudged) != "[2026-03]" || !strings.Contains(g.Partitions[1].Error, `stage "m": what it published of 2026-03 can't be read`) {
		t.Errorf("%v: %s", g.NotJudged, g.Partitions[1].Error)
	}
}

// What can't be judged is an error, and no pass; what is wrong everywhere is the call's.
func TestBacktestErrors(t *testing.T) {
	dir, _ := monthlyProject(t, parquet.Format{}, gates.Rule{Check: gates.Expect("rows() > 5")})
	kept, err := filepath.Glob(filepath.Join(dir, "out/.penstock/datasets/m/versions/month=2026-03/*/data/*"))
	check(t, err)
	check(t, os.Truncate(kept[0], 100))
	pl := monthly(parquet.Format{}, gates.Rule{Name: "new", Check: gates.Rows("b > 2"), AtMost: gates.Share(0.5)}, gates.Rule{Name: "old", Check: gates.Expect("rows() > 7")})
	b := backtest(t, dir, pl, false, penstock.BacktestOptions{})
	if g := b.Gates[0]; fmt.Sprint(g.NotJudged) != "[2026-03]" || g.Partitions[2].Verdict != pipeline.ErrorVerdict || g.Partitions[2].Error == "" || len(g.Stopped) != 0 {
		t.Errorf("%+v", g)
	}
	if g := b.Gates[1]; len(g.NotJudged) != 0 {
		t.Errorf("%+v", g)
	}
	manifest := filepath.Join(dir, "out/m/month=2026-05/_manifest.json")
	text, err := os.ReadFile(manifest)
	check(t, err)
	check(t, os.WriteFile(manifest, text[:100], 0o644))
	past := monthly(parquet.Format{}, gates.Rule{Name: "now", Check: gates.Expect("rows() > 7")}, gates.Rule{Name: "past", Check: gates.Expect("rows() >= history(1).max(rows())")})
	b = backtest(t, dir, past, false, penstock.BacktestOptions{})
	if a, b := fmt.Sprint(b.Gates[0].NotJudged), fmt.Sprint(b.Gates[1].NotJudged); a != "[2026-05]" || b != "[2026-05 2026-06]" {
		t.Error(a, b) // a run could not tell either what the past of 2026-06 is
	}
	check(t, os.WriteFile(manifest, text, 0o644))
	p := open(t, dir)
	minus := -0.1
	for want, o := range map[string]struct {
		rule gates.Rule
		o    penstock.BacktestOptions
	}{
		`unknown column "bb"`:          {rule: gates.Rule{Name: "g", Check: gates.NotNull("bb")}},
		`is published from 2027-01 on`: {gates.Rule{Name: "g", Check: gates.NotNull("b")}, penstock.BacktestOptions{From: "2027-01"}},
		`partition "x" is not a month`: {gates.Rule{Name: "g", Check: gates.NotNull("b")}, penstock.BacktestOptions{From: "x"}},
		`from 0% to 100%, found -10%`:  {gates.Rule{Name: "g", Check: gates.NotNull("b")}, penstock.BacktestOptions{Stop: &minus}},
	} {
		if _, err := p.Backtest(t.Context(), monthly(parquet.Format{}, o.rule), o.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Backtest(ctx, pl, penstock.BacktestOptions{}); pipeline.KindOf(err) != pipeline.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".penstock/tmp/*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A dataset without partitions, as CSV, of which nothing is known before it is read.
func TestBacktestOfAWholeCSV(t *testing.T) {
	dir := t.TempDir()
	storedRows(t, filepath.Join(dir, "in.parquet"), 0)
	p := open(t, dir)
	rules := []gates.Rule{{Name: "aside", Check: gates.Rows("b < 8"), Else: gates.Quarantine}, {Name: "low", Check: gates.Rows("b < 5"), Severity: pipeline.SeverityWarn}}
	pl := storing("x", "in.parquet", rules)
	pl.Stages[0].Output.Format = csv.Format{}
	_, err := p.Run(t.Context(), pl, "all")
	check(t, err)
	rules = append(rules, gates.Rule{Name: "more", Check: gates.Rows("b < 7"), Else: gates.Quarantine, AtMost: gates.Share(0.2)}, gates.Rule{Name: "new", Check: gates.Expect("sum(b) > history(1).last(rows())")})
	pl.Stages[0].Gates = gates.Of(rules...)
	b := backtest(t, dir, pl, false, penstock.BacktestOptions{})
	var got []string
	for _, g := range b.Gates {
		p := g.Partitions[0]
		got = append(got, fmt.Sprint(p.Partition, " ", g.Gate, " ", p.Verdict, " ", p.Finding.Observed, " by ", p.Finding.DecidedBy, " ", p.RowsRead, p.Error))
	}
	want := []string{
		"all aside pass 120 of 600 rows failed (20%) by stored states 0",
		"all low warn 180 of 480 rows failed (37.5%) by stored states 0",
		"all more fail 180 of 600 rows failed (30%) by scan 600",
		"all new insufficient_history sum(b) = 1,680, history(1).last(rows()) = too little history by scan 480",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := json.Marshal(b); err != nil {
		t.Error(err)
	}
}
