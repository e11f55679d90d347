package penstock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// daily is a pipeline over one file a day.
func daily(rules ...gates.Rule) *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name: "daily", Partitions: pipeline.Scheme{By: pipeline.Day},
		Sources: []pipeline.NamedSource{{Name: "in", Source: csv.Files("in-{partition}.csv")}},
		Stages:  []pipeline.Stage{{Name: "s", From: []string{"in"}, Gates: gates.Of(rules...), Output: &pipeline.Output{Path: "out", Format: parquet.Format{}}}},
	}
}

// manifestsIn are all copies of the manifests of a partition.
func manifestsIn(t *testing.T, dir, part string) (paths []string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".json") && strings.Contains(path, part) && !strings.Contains(path, "/runs/") {
			paths = append(paths, path)
		}
		return err
	}))
	if len(paths) == 0 {
		t.Fatalf("%s has no manifest of %s", dir, part)
	}
	return paths
}

// stateDamages replace a state, of which "" is the whole manifest, cut off.
var stateDamages = []string{
	"", `{"rows":-5,"nulls":0,"count":0}`, `{"rows":"NaN","nulls":0,"count":0}`, `{"rows":99999999999999999999,"nulls":0,"count":0}`, `{"rows":1,"nulls":2,"count":0}`,
	`[]`, `null`, `{}`, `{"tested":1,"failed":0,"null":0}`, `"x"`, `{"best":"NaN"}`, `{"count":-1,"sum":[]}`, `{"groups":{},"over":false}`, `{"rows":1,"nulls":0,"count":0}`,
}

// damageState puts text in the place of every state of the manifests of a partition.
func damageState(t *testing.T, dir, part, text string) {
	t.Helper()
	for _, path := range manifestsIn(t, dir, part) {
		was, err := os.ReadFile(path)
		check(t, err)
		var m map[string]json.RawMessage
		var metrics map[string]json.RawMessage
		if text == "" {
			check(t, os.WriteFile(path, was[:len(was)/2], 0o644))
			continue
		}
		check(t, json.Unmarshal(was, &m))
		check(t, json.Unmarshal(m["metrics"], &metrics))
		if len(metrics) == 0 {
			t.Fatalf("%s has no states", path)
		}
		for name := range metrics {
			metrics[name] = json.RawMessage(text)
		}
		m["metrics"], err = json.Marshal(metrics)
		check(t, err)
		now, err := json.Marshal(m)
		check(t, err)
		check(t, os.WriteFile(path, now, 0o644))
	}
}

// What is stored of the past and can't be read makes no rule pass.
func TestDamagedPastNeverPasses(t *testing.T) {
	rules := []string{
		"rows() >= history(1).min(rows())", "!(sum(x) < history(1).mean(sum(x)) - 1000000000.0)", "mean(x) > history(1).mean(mean(x)) - 1000000.0",
		"max(x) > history(1).min(max(x)) - 1000000.0", "values(s).all(v, v in history(1).all(values(s))) || rows() > 0 && history(1).last(distinct(s)) >= 0",
		"history(1).psi(s) < 1000.0", "quantile(x, 0.5) > history(1).mean(quantile(x, 0.5)) - 1000000.0",
	}
	for _, damage := range stateDamages {
		dir := t.TempDir()
		p := open(t, dir)
		var all []gates.Rule
		for i, text := range rules {
			all = append(all, gates.Rule{Name: fmt.Sprint("r", i), Check: gates.Expect(text)})
		}
		all = append(all, gates.Rule{Name: "by", Check: gates.Expect("rows() >= history(1).min(rows())"), By: []string{"s"}})
		for _, day := range []string{"2026-01-01", "2026-01-02"} {
			write(t, filepath.Join(dir, "in-"+day+".csv"), "id,x,s\n1,5,a\n2,6,b\n3,7,a\n")
		}
		if rec, err := p.Run(t.Context(), daily(all...), "2026-01-01"); err != nil || rec.Status != pipeline.Published {
			t.Fatalf("%+v, %v", rec, err)
		}
		damageState(t, dir, "2026-01-01", damage)
		rec, err := p.Run(t.Context(), daily(all...), "2026-01-02")
		for _, f := range rec.Gates {
			if err == nil && f.Verdict.Passes() && f.Name != pipeline.Conservation { // which asks nothing of the past
				t.Errorf("past states %q: %s: %s (%s)", damage, f.Rule, f.Verdict, f.Observed)
			}
		}
		if _, serr := os.Stat(filepath.Join(dir, "out/day=2026-01-02")); serr == nil {
			t.Errorf("past states %q: published: %v", damage, err)
		}
	}
}

// What was stored of the same rows, and was changed since, makes no rule pass.
func TestDamagedStatesNeverPass(t *testing.T) {
	for _, damage := range append(stateDamages, `{"tested":3,"failed":0,"null":0}`, `{"tested":3,"failed":-1,"null":0}`, `{"rows":3,"nulls":0,"count":0}`) {
		dir := t.TempDir()
		p := open(t, dir)
		in := filepath.Join(dir, "in.parquet")
		rowGroups(t, in, 600)
		tolerant := []gates.Rule{
			{Name: "a", Check: gates.Rows("qty > 0"), AtMost: gates.Count(1000)},
			{Name: "b", Check: gates.Unique("code"), AtMost: gates.Share(1)},
			{Name: "c", Check: gates.Expect("count_if(qty <= 0) < 1000")},
			{Name: "d", Check: gates.NotNull("price"), AtMost: gates.Share(1)},
		}
		mustRun(t, p, copying("kept", "in.parquet", tolerant))
		damageState(t, dir, "kept", damage)
		strict := []gates.Rule{
			{Name: "a", Check: gates.Rows("qty > 0")}, {Name: "b", Check: gates.Unique("code")}, {Name: "c", Check: gates.Expect("count_if(qty <= 0) == 0")}, {Name: "d", Check: gates.NotNull("price")},
		}
		for _, from := range []string{"in.parquet", "out/kept/*.parquet"} {
			name := "kept"
			if from != "in.parquet" {
				name = "next"
			}
			rec, err := p.Run(t.Context(), copying(name, from, strict), "all")
			if err == nil && rec.Status != pipeline.Blocked {
				t.Errorf("stored %q of %s: %s", damage, from, rec.Status)
			}
			for _, f := range rec.Gates {
				if err == nil && f.Name != pipeline.Conservation && f.Verdict.Passes() {
					t.Errorf("stored %q of %s: %s: %s by %s (%s)", damage, from, f.Rule, f.Verdict, f.DecidedBy, f.Observed)
				}
			}
		}
	}
}

// A bit of the input that is flipped changes no row that is published.
func TestFlippedInputNeverPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.For(t), 0))
	dir := t.TempDir()
	p := open(t, dir)
	in := filepath.Join(dir, "in.parquet")
	rowGroups(t, in, 60)
	good, err := os.ReadFile(in)
	check(t, err)
	rules := []gates.Rule{{Name: "a", Check: gates.Rows("qty > -2")}, {Name: "b", Check: gates.Expect("count(code) > 0 && mean(price) > 0.0")}, {Name: "c", Check: gates.Unique("id")}}
	mustRun(t, p, copying("good", "in.parquet", rules, nothing{}))
	want, err := os.ReadFile(filepath.Join(dir, "out/good/part-0.parquet"))
	check(t, err)
	noticed := 0
	for i := range 40 {
		at, bit := r.IntN(len(good)), byte(1)<<r.IntN(8)
		text := append([]byte{}, good...)
		text[at] ^= bit
		check(t, os.WriteFile(in, text, 0o644))
		pl := copying(fmt.Sprint("f", i), "in.parquet", rules, nothing{})
		rec, err := p.Run(t.Context(), pl, "all")
		if isOpen(t, dir, pl, rec, err) {
			got, err := os.ReadFile(filepath.Join(dir, "out", pl.Name, "part-0.parquet"))
			check(t, err)
			if string(got) != string(want) {
				t.Errorf("byte %d, bit %08b: other rows were published", at, bit)
			}
			continue
		}
		noticed++
	}
	if noticed < 10 {
		t.Errorf("only %d of 40 flips were noticed", noticed)
	}
}

// Memory of a byte, a disk without room for keys, and keys on disk that are changed: no
// rule passes that has not seen its keys.
func TestKeysWithoutRoomNeverPass(t *testing.T) {
	for _, test := range []struct {
		name   string
		memory int64
		damage func(t *testing.T, temp string) int
	}{
		{"a byte of memory", 1, nil},
		{"no directory for keys", 1 << 16, func(t *testing.T, temp string) int {
			check(t, os.RemoveAll(temp))
			check(t, os.WriteFile(temp, nil, 0o600)) // what is written there fails
			return 1
		}},
		{"keys cut off", 1 << 16, func(t *testing.T, temp string) int {
			return spoil(t, temp, func(b []byte) []byte { return b[:len(b)/2] })
		}},
		{"keys zeroed", 1 << 16, func(t *testing.T, temp string) int {
			return spoil(t, temp, func(b []byte) []byte { return make([]byte, len(b)) })
		}},
		{"keys flipped", 1 << 16, func(t *testing.T, temp string) int {
			return spoil(t, temp, func(b []byte) []byte { b[len(b)/2] ^= 8; return b })
		}},
	} {
		for _, rule := range []gates.Rule{{Check: gates.Unique("id")}, {Check: gates.Expect("duplicates(id) == 0")}, {Check: gates.Expect("distinct(id) == rows()")}, {Check: gates.AllOf(gates.Unique("id"))}} {
			dir := t.TempDir()
			var text strings.Builder
			text.WriteString("id\n")
			for i := range 60_000 {
				fmt.Fprintln(&text, i)
			}
			text.WriteString("7\n") // the one that is there twice
			write(t, filepath.Join(dir, "in.csv"), text.String())
			var fired atomic.Int64
			spoilt := func() {
				temps, _ := filepath.Glob(filepath.Join(dir, ".penstock/tmp/*"))
				for _, temp := range temps {
					if test.damage != nil && fired.Load() < 3 {
						fired.Add(int64(test.damage(t, temp)))
					}
				}
			}
			p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "x", Workers: 1, Memory: test.memory, Listener: &pipeline.Listener{Progress: func(pipeline.Progress) { spoilt() }}})
			check(t, err)
			pl := &pipeline.Pipeline{
				Name: "keys", Sources: []pipeline.NamedSource{{Name: "in", Source: csv.Files("in.csv")}},
				Stages: []pipeline.Stage{{Name: "s", From: []string{"in"}, Gates: gates.Of(rule), Output: &pipeline.Output{Path: "out/keys", Format: parquet.Format{}}}},
			}
			rec, err := p.Run(t.Context(), pl, "all")
			if isOpen(t, dir, pl, rec, err) {
				t.Errorf("%s: %s: published", test.name, rule.Check)
			}
			if test.damage != nil && fired.Load() == 0 {
				t.Errorf("%s: %s: it did not fire: %v", test.name, rule.Check, err)
			}
			check(t, p.Close())
		}
	}
}

// spoil changes the files in a directory, and says how many.
func spoil(t *testing.T, dir string, change func([]byte) []byte) (n int) {
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil || len(text) == 0 {
			continue
		}
		check(t, os.WriteFile(path, change(text), 0o600))
		n++
	}
	return n
}

// What costs too much is an error, and no pass.
func TestCostlyRulesNeverPass(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	for i, r := range []gates.Rule{
		{Check: gates.Rows(`lists.range(1000000).map(n, "` + strings.Repeat("a", 100) + `").join(s) != ""`)},
		{Check: gates.Rows(`size(lists.range(id * 100000000)) > 0`), Where: "id > 0"},
		{Check: gates.Expect("lists.range(900).all(a, lists.range(900).all(b, lists.range(900).all(c, a + b + c >= 0 && rows() > 0)))")},
		{Check: gates.Expect("!(size(lists.range(rows() * 1000000000)) < 0)")},
	} {
		for _, severity := range []pipeline.Severity{pipeline.Block, pipeline.SeverityWarn}[i%2:][:1] {
			in, codes := steady("")
			r.Name, r.Severity = "r", severity
			pl := unsteadyPipeline(fmt.Sprint("cost", i, severity), in, codes, gates.Of(r))
			start := time.Now()
			rec, err := p.Run(t.Context(), pl, "all")
			isOpen(t, dir, pl, rec, err)
			if err == nil && rec.Gates[0].Verdict != pipeline.ErrorVerdict {
				t.Errorf("%v: %s (%s)", r, rec.Gates[0].Verdict, rec.Gates[0].Observed)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("%v took %s", r, d)
			}
		}
	}
}

// A run that is cancelled at any time published all or nothing.
func TestCancelledAtAnyTimeNeverPasses(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	cancelled := 0
	for i := range 25 {
		in, codes := steady("")
		if i%2 == 0 {
			in, codes = steady("e") // which must not be published, however it ends
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i)*50*time.Microsecond)
		rules := openRules()
		pl := unsteadyPipeline(fmt.Sprint("c", i), in, codes, gates.Of(rules[0].rule, rules[15].rule, rules[17].rule))
		rec, err := p.Run(ctx, pl, "all")
		cancel()
		if isOpen(t, dir, pl, rec, err) && i%2 == 0 {
			t.Errorf("after %d: a fault was published", i)
		}
		if err != nil {
			cancelled++
		}
	}
	if cancelled == 0 {
		t.Error("no run was cancelled")
	}
}
