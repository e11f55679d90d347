package penstock_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// cleaning is a pipeline of one stage with rules.
func cleaning(format pipeline.Format, rules ...gates.Rule) *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Name: "orders", Partitions: pipeline.Scheme{By: pipeline.Key},
		Sources: []pipeline.NamedSource{{Name: "orders", Source: csv.Files("orders-{partition}.csv")}},
		Stages: []pipeline.Stage{{
			Name: "clean", From: []string{"orders"}, Key: []string{"id"}, Gates: gates.Of(rules...),
			Output: &pipeline.Output{Path: "out/clean", Format: format},
		}},
	}
}

func rule(name, text string) gates.Rule {
	return gates.Rule{Name: name, Check: gates.Rows(text), Else: gates.Quarantine}
}

// reader is how DuckDB reads files of a format.
func reader(path string) string {
	switch filepath.Ext(path) {
	case ".csv":
		return fmt.Sprintf("read_csv('%s', header = true, types = {'id': 'BIGINT', 'amount': 'BIGINT', 'note': 'VARCHAR'})", path)
	case ".jsonl":
		return fmt.Sprintf("read_json('%s', format = 'newline_delimited')", path)
	}
	return fmt.Sprintf("read_parquet('%s')", path)
}

// allRows gives the rows that are published and quarantined.
func allRows(t *testing.T, db *sql.DB, dir string, o pipeline.OutputRecord) (published, aside []string) {
	t.Helper()
	for _, f := range o.Files {
		published = append(published, column(t, db, fmt.Sprintf("SELECT concat_ws(' ', id, amount, note) FROM %s", reader(filepath.Join(dir, f))))...)
	}
	for _, f := range o.Quarantine {
		aside = append(aside, column(t, db, fmt.Sprintf("SELECT concat_ws(' ', id, amount, note) FROM %s", reader(filepath.Join(dir, f))))...)
	}
	return published, aside
}

// No row is lost: what is published and quarantined before is so after, whatever is
// released, under whatever rules, in whatever format.
func TestReleaseLosesNoRow(t *testing.T) {
	db := duckDB(t)
	random := rand.New(rand.NewPCG(seed.For(t), 0))
	for i, format := range []pipeline.Format{parquet.Format{}, csv.Format{}, jsonl.Format{}, parquet.Format{}} {
		t.Run(fmt.Sprintf("%d %s", i, format), func(t *testing.T) {
			dir := t.TempDir()
			p := open(t, dir)
			var in strings.Builder
			in.WriteString("id,amount,note\n")
			for id := range 200 + random.IntN(2000) {
				fmt.Fprintf(&in, "%d,%d,%s\n", id, random.IntN(100)-20, []string{"a", "b", "c,d"}[random.IntN(3)][:1])
			}
			write(t, filepath.Join(dir, "orders-eu.csv"), in.String())
			strict := []gates.Rule{rule("positive", "amount >= 0"), rule("known", `note != "c"`), rule("small", "amount < 70")}
			rec, err := p.Run(t.Context(), cleaning(format, strict...), "eu")
			if err != nil || rec.Status != pipeline.Published {
				t.Fatalf("%s, %v", rec.Status, err)
			}
			before, asideBefore := allRows(t, db, dir, rec.Outputs[0])
			for _, o := range []penstock.ReleaseOptions{
				{Rules: []string{"positive"}},
				{Rules: []string{"positive", "small"}, Waive: []string{"small"}},
				{},
				{Waive: []string{"known", "positive", "small"}},
			} {
				o.Stage, o.Partition, o.Reason = "clean", "eu", "they were looked at"
				now := slices.Clone(strict)
				if len(o.Rules) == 1 {
					now[0] = rule("positive", fmt.Sprintf("amount >= %d", -random.IntN(20)))
				}
				got, err := p.Release(t.Context(), cleaning(format, now...), o)
				if err != nil || got.Status != pipeline.Published && got.Status != pipeline.Unchanged {
					t.Fatalf("%+v: %s, %v", o, got.Status, err)
				}
				after, asideAfter := allRows(t, db, dir, got.Outputs[0])
				if diff := cmp.Diff(sorted(before, asideBefore), sorted(after, asideAfter)); diff != "" {
					t.Fatalf("%+v: rows differ (-before +after):\n%s", o, diff)
				}
				for _, f := range got.Outputs[0].Quarantine {
					// The input has its rows by id: where a row came from stays true.
					wrong := column(t, db, fmt.Sprintf(`SELECT concat_ws(' ', id, _source, _row) FROM %s
						WHERE CASE WHEN _source = 'orders-eu.csv' THEN _row <> id ELSE NOT starts_with(_source, 'out/clean/key=eu/part-0.') END`,
						reader(filepath.Join(dir, f))))
					if len(wrong) > 0 {
						t.Errorf("%+v: %d rows came from elsewhere: %s", o, len(wrong), wrong[0])
					}
				}
				if r, err := p.Verify(t.Context()); err != nil || len(r.Problems) > 0 {
					t.Errorf("%+v, %v", r, err)
				}
				before, asideBefore = after, asideAfter
			}
			if len(asideBefore) > 0 {
				t.Errorf("%d rows are left in quarantine, and every rule was waived", len(asideBefore))
			}
			again, err := p.Release(t.Context(), cleaning(format, strict...), penstock.ReleaseOptions{Stage: "clean", Partition: "eu", Reason: "again"})
			if err != nil || again.Run != "" || again.Status != pipeline.Unchanged {
				t.Errorf("nothing is left, and %+v, %v", again, err)
			}
		})
	}
}

func sorted(lists ...[]string) []string { return slices.Sorted(slices.Values(slices.Concat(lists...))) }

const eu = "id,amount,note\n1,5,a\n2,-1,b\n3,-9,c\n4,-2,c\n"

// quarantinedEU is a project with three rows in quarantine.
func quarantinedEU(t *testing.T, format pipeline.Format) (string, *penstock.Project, *pipeline.Pipeline) {
	t.Helper()
	dir := t.TempDir()
	p := open(t, dir)
	write(t, filepath.Join(dir, "orders-eu.csv"), eu)
	pl := cleaning(format, rule("positive", "amount > 0"), rule("known", `note != "c"`),
		gates.Rule{Name: "volume", Check: gates.Expect("rows() < 4")})
	rec, err := p.Run(t.Context(), pl, "eu")
	if err != nil || rec.Status != pipeline.Published {
		t.Fatalf("%s, %v", rec.Status, err)
	}
	return dir, p, pl
}

// What the manifest says of a release: what it was made of, and who let what pass.
func TestReleaseIsOnRecord(t *testing.T) {
	for _, format := range []pipeline.Format{parquet.Format{}, ipc.Format{}} {
		_, p, pl := quarantinedEU(t, format)
		first, _ := p.Versions(t.Context(), "out/clean", "eu")
		rec, err := p.Release(t.Context(), pl, penstock.ReleaseOptions{
			Dataset: "out/clean/", Partition: "eu", Rules: []string{"positive"}, Waive: []string{"positive"}, Reason: " a refund ",
		})
		if err != nil || rec.Status != pipeline.Published {
			t.Fatalf("%+v, %v", rec, err)
		}
		all, err := p.Versions(t.Context(), "out/clean", "eu")
		if err != nil || len(all) != 2 {
			t.Fatalf("%d versions, %v", len(all), err)
		}
		m := all[1]
		if m.Code == first[0].Code || m.Gates == first[0].Gates || m.Rows != 2 || len(m.Key) != 1 {
			t.Errorf("code %s, gates %s, %d rows, key %s", m.Code, m.Gates, m.Rows, m.Key)
		}
		if in := m.Inputs[0]; in.Dataset != "out/clean" || in.Version != 1 || in.Manifest != m.Previous {
			t.Errorf("made of %+v", in)
		}
		if in := m.Inputs[1]; in.Name != "quarantine" || len(in.Files) != 1 || in.Files[0].SHA256 != first[0].Quarantine[0].SHA256 {
			t.Errorf("made of %+v", in)
		}
		want := &pipeline.Release{
			Version: 1, Rules: []string{"positive"}, Rows: 1, Kept: 2, Waived: []pipeline.Waiver{{Rule: "positive", Rows: 1}},
			Reason: "a refund", Actor: "tester", At: m.Release.At,
		}
		if diff := cmp.Diff(want, m.Release); diff != "" {
			t.Error(diff)
		}
		if back, err := p.RunByID(t.Context(), rec.Run); err != nil || cmp.Diff(want, back.Release) != "" || len(back.Inputs) != 2 {
			t.Errorf("%+v, %v", back, err)
		}
		if r, err := p.Verify(t.Context()); err != nil || len(r.Problems) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
		left, err := p.Quarantined(t.Context(), "", "")
		if err != nil || len(left) != 1 || left[0].Rows != 2 || left[0].Version != 2 {
			t.Errorf("%+v, %v", left, err)
		}
		if diff := cmp.Diff([]penstock.BrokenRule{{Rule: "known", Rows: 2}, {Rule: "positive", Rows: 2}}, left[0].Rules); diff != "" {
			t.Error(diff)
		}
	}
}

// A gate that blocks keeps all as it is.
func TestReleaseBlocked(t *testing.T) {
	_, p, pl := quarantinedEU(t, parquet.Format{})
	rec, err := p.Release(t.Context(), pl, penstock.ReleaseOptions{Stage: "clean", Partition: "eu", Waive: []string{"positive", "known"}, Reason: "x"})
	if err != nil || rec.Status != pipeline.Blocked || len(rec.Outputs) > 0 {
		t.Fatalf("%+v, %v", rec, err)
	}
	if m, err := p.Current("out/clean", pipeline.Partition{By: pipeline.Key, Value: "eu"}); err != nil || m.Version != 1 {
		t.Errorf("version %d is current, %v", m.Version, err)
	}
	if _, err := p.Approve(t.Context(), rec.Run, penstock.Approve{Gates: []string{"volume"}, Reason: "all four are good"}); err != nil {
		t.Fatal(err)
	}
	m, err := p.Current("out/clean", pipeline.Partition{By: pipeline.Key, Value: "eu"})
	if err != nil || m.Version != 2 || m.Rows != 4 || m.Release == nil || len(m.Release.Waived) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	if r, err := p.Verify(t.Context()); err != nil || len(r.Problems) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Corrected rows take the place of those they say they are, or of all.
func TestReleaseCorrected(t *testing.T) {
	db := duckDB(t)
	for _, test := range []struct {
		name, rows      string
		rules           []string
		published, left []string
	}{
		{"all.csv", "note,id,amount\nb,2,1\nx,3,9\nx,4,-2\n", nil, []string{"1 5 a", "2 1 b", "3 9 x"}, []string{"4 -2 x"}},
		{
			"one.jsonl", `{"id": 4, "amount": 2, "note": "b", "_source": "orders-eu.csv", "_row": 3, "_rules": "known"}` + "\n", nil,
			[]string{"1 5 a", "4 2 b"},
			[]string{"2 -1 b", "3 -9 c"},
		},
		{"ofrule.csv", "id,amount,note,_row,_source\n2,7,b,1,orders-eu.csv\n", []string{"positive"}, []string{"1 5 a", "2 7 b"}, []string{"3 -9 c", "4 -2 c"}},
	} {
		dir, p, pl := quarantinedEU(t, parquet.Format{})
		write(t, filepath.Join(dir, test.name), test.rows)
		rec, err := p.Release(t.Context(), pl, penstock.ReleaseOptions{
			Stage: "clean", Partition: "eu", Rules: test.rules, Rows: filepath.Join(dir, test.name), Reason: "corrected by hand",
		})
		if err != nil || rec.Status != pipeline.Published {
			t.Fatalf("%s: %+v, %v", test.name, rec, err)
		}
		published, left := allRows(t, db, dir, rec.Outputs[0])
		if diff := cmp.Diff(append(test.published, test.left...), append(sorted(published), sorted(left)...)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if c := rec.Release.Corrected; c == nil || c.Path != test.name || len(c.SHA256) != 64 {
			t.Errorf("%s: corrected by %+v", test.name, c)
		}
		if r, err := p.Verify(t.Context()); err != nil || len(r.Problems) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// Each mistake is named, and nothing is run.
func TestReleaseMistakes(t *testing.T) {
	good := penstock.ReleaseOptions{Stage: "clean", Partition: "eu", Reason: "x"}
	for name, test := range map[string]struct {
		change func(o *penstock.ReleaseOptions)
		rows   string // a file, and its text
		want   string
	}{
		"no stage":      {func(o *penstock.ReleaseOptions) { o.Stage = "" }, "", "which rows? name a stage or a dataset, one of them"},
		"stage":         {func(o *penstock.ReleaseOptions) { o.Stage = "clan" }, "", `unknown stage "clan"; did you mean "clean"?`},
		"dataset":       {func(o *penstock.ReleaseOptions) { o.Stage, o.Dataset = "", "out/claen" }, "", `unknown dataset "out/claen"; did you mean "out/clean"?`},
		"partition":     {func(o *penstock.ReleaseOptions) { o.Partition = "us" }, "", "nothing is published of out/clean@us: out/clean/key=us does not exist"},
		"reason":        {func(o *penstock.ReleaseOptions) { o.Reason = " " }, "", "a release needs a reason, for the record"},
		"rule":          {func(o *penstock.ReleaseOptions) { o.Rules = []string{"positiv"} }, "", `unknown rule "positiv"; did you mean "positive"? in the quarantine of out/clean@eu`},
		"only together": {func(o *penstock.ReleaseOptions) { o.Rules = []string{"known"} }, "", "no quarantined row of out/clean@eu broke only known"},
		"waive":         {func(o *penstock.ReleaseOptions) { o.Waive = []string{"volume"} }, "", `unknown rule "volume"; known are positive, known`},
		"no file":       {nil, "gone.csv", "no file matches gone.csv"},
		"no format":     {nil, "rows.xls x", "rows.xls: rows are read from .parquet, .csv, .jsonl and .arrow"},
		"missing":       {nil, "r.csv id,notes\n2,b\n", "r.csv: column \"amount\" is missing; int64 expected\nr.csv: column \"note\" is missing; string expected\nr.csv: unknown column \"notes\"; did you mean \"note\"?"},
		"type":          {nil, "r.csv id,amount,note\n2,three,b\n3,1,c\n4,1,c\n", "r.csv: line 2: column \"amount\": the field is no int64"},
		"json":          {nil, "r.jsonl {\"id\":2,\"amount\":\"x\",\"note\":\"b\"}\n", "r.jsonl: line 1: column \"amount\": the value is no int64"},
		"too few":       {nil, "r.csv id,amount,note\n2,3,b\n", "r.csv has 1 row, and 3 are released: a corrected row takes the place of a quarantined one"},
		"other place":   {nil, "r.csv id,amount,note,_source,_row\n2,3,b,orders-eu.csv,0\n", `r.csv: row 0: no row that is released, or no other, came from row 0 of "orders-eu.csv"`},
		"twice":         {nil, "r.csv id,amount,note,_source,_row\n2,3,b,orders-eu.csv,1\n2,4,b,orders-eu.csv,1\n", `r.csv: row 1: no row that is released, or no other, came from row 1 of "orders-eu.csv"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir, p, pl := quarantinedEU(t, parquet.Format{})
			o := good
			if test.change != nil {
				test.change(&o)
			}
			if test.rows != "" {
				file, text, ok := strings.Cut(test.rows, " ")
				if o.Rows = filepath.Join(dir, file); ok {
					write(t, o.Rows, text)
				}
			}
			rec, err := p.Release(t.Context(), pl, o)
			if err == nil || !strings.Contains(err.Error(), test.want) || rec.Status != pipeline.Failed {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if runs, err := p.Runs(t.Context(), penstock.RunFilter{}); err != nil || len(runs) != 1 {
				t.Errorf("%d runs are on record, %v", len(runs), err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".penstock/live/*.lock")); len(left) > 0 {
				t.Errorf("%s is left", left)
			}
		})
	}
}

// Parquet of another type is named; what fits without loss is taken.
func TestReleaseTypes(t *testing.T) {
	db := duckDB(t)
	for amount, want := range map[string]string{
		"'7'":              `r.parquet: column "amount" is string, int64 expected`,
		"7::INTEGER":       "",
		"7.5::DOUBLE":      `r.parquet: column "amount" is float64, int64 expected`,
		"7::HUGEINT::REAL": `r.parquet: column "amount" is float32, int64 expected`,
	} {
		dir, p, pl := quarantinedEU(t, parquet.Format{})
		_, err := db.Exec(fmt.Sprintf("COPY (SELECT i AS id, %s AS amount, 'b' AS note FROM range(2, 5) t(i)) TO '%s/r.parquet'", amount, dir))
		check(t, err)
		pl.Stages[0].Gates = gates.Of(rule("positive", "amount > 0"))
		rec, err := p.Release(t.Context(), pl, penstock.ReleaseOptions{Stage: "clean", Partition: "eu", Rows: "r.parquet", Reason: "x"})
		if want == "" && (err != nil || rec.Outputs[0].Rows != 4) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %s", amount, err, want)
		}
	}
}

// Two who look at one quarantine: the second is told.
func TestReleaseConflict(t *testing.T) {
	dir, _, pl := quarantinedEU(t, parquet.Format{})
	pl.Stages[0].Gates = gates.Of(gates.Rule{Name: "slow", Check: gates.Rows("amount > -100"), Else: gates.Quarantine})
	o := penstock.ReleaseOptions{Stage: "clean", Partition: "eu", Reason: "x"}
	other := open(t, dir)
	var inner error
	listening, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester", Listener: &pipeline.Listener{
		StageStarted: func(pipeline.StageStarted) { _, inner = other.Release(t.Context(), pl, o) },
	}})
	check(t, err)
	defer listening.Close()
	rec, err := listening.Release(t.Context(), pl, o)
	if err != nil || rec.Status != pipeline.Published {
		t.Errorf("%+v, %v", rec, err)
	}
	if pipeline.KindOf(inner) != pipeline.Conflict {
		t.Errorf("the second got %v", inner)
	}
}

// Gates look things up in sources, in what is published, and in stages that are computed
// for it.
func TestReleaseLooksUp(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	write(t, filepath.Join(dir, "orders-eu.csv"), eu)
	write(t, filepath.Join(dir, "notes.csv"), "note\na\nb\nc\n")
	pl := cleaning(parquet.Format{})
	pl.Sources = append(pl.Sources, pipeline.NamedSource{Name: "notes", Source: csv.Files("notes.csv")})
	pl.Stages = append(pl.Stages,
		pipeline.Stage{Name: "few", From: []string{"notes"}, Operators: []pipeline.Operator{operators.Filter(`note != "c"`)}},
		pipeline.Stage{Name: "all", From: []string{"orders"}, Output: &pipeline.Output{Path: "out/all", Format: jsonl.Format{}}})
	pl.Stages[0].Gates = gates.Of(rule("positive", "amount > 0"),
		gates.Rule{Check: gates.References("note", "notes", "note")},
		gates.Rule{Name: "known", Check: gates.References("note", "few", "note"), Severity: pipeline.SeverityWarn},
		gates.Rule{Name: "nothing_new", Check: gates.Expect(`rows() <= rows("all")`)})
	if rec, err := p.Run(t.Context(), pl, "eu"); err != nil || rec.Status != pipeline.Published {
		t.Fatalf("%+v, %v", rec, err)
	}
	rec, err := p.Release(t.Context(), pl, penstock.ReleaseOptions{Stage: "clean", Partition: "eu", Waive: []string{"positive"}, Reason: "x"})
	if err != nil || rec.Status != pipeline.Published || len(rec.Stages) == 0 {
		t.Fatalf("%+v, %v", rec, err)
	}
	var got []string
	for _, f := range rec.Gates {
		if f.Name == pipeline.Conservation {
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %d/%d", f.Name, f.Verdict, f.RowsFailed, f.RowsTested))
	}
	if diff := cmp.Diff([]string{"positive warn 3/4", "references_note pass 0/4", "known warn 2/4", "nothing_new pass 0/4"}, got); diff != "" {
		t.Error(diff)
	}
	all, err := p.Versions(t.Context(), "out/clean", "eu")
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, in := range all[1].Inputs {
		made = append(made, fmt.Sprintf("%s %s %d %d", in.Name, in.Dataset, in.Version, len(in.Files)))
	}
	if diff := cmp.Diff([]string{"clean out/clean 1 0", "quarantine  0 1", "notes  0 1", "all out/all 1 0"}, made); diff != "" {
		t.Error(diff)
	}
}

// The same bytes for any number of workers, and what did not change is not encoded again.
func TestReleaseIsTheSame(t *testing.T) {
	db := duckDB(t)
	var want []pipeline.File
	for _, workers := range []int{1, 2, 8} {
		dir := t.TempDir()
		_, err := db.Exec(fmt.Sprintf("COPY (SELECT i AS id, (hash(i) %% 1000)::INT - 20 AS amount, 'n' || i %% 9 AS note FROM range(400000) t(i)) TO '%s/orders-eu.csv'", dir))
		check(t, err)
		p, err := penstock.Open(t.Context(), dir, penstock.Options{Actor: "tester", Workers: workers})
		check(t, err)
		pl := cleaning(parquet.Format{}, rule("positive", "amount > 0"), rule("known", `note != "n3"`))
		if rec, err := p.Run(t.Context(), pl, "eu"); err != nil || rec.Status != pipeline.Published {
			t.Fatalf("%+v, %v", rec, err)
		}
		rec, err := p.Release(t.Context(), pl, penstock.ReleaseOptions{Stage: "clean", Partition: "eu", Rules: []string{"positive"}, Waive: []string{"positive"}, Reason: "x"})
		if err != nil || rec.Status != pipeline.Published {
			t.Fatalf("%+v, %v", rec, err)
		}
		m, err := p.Current("out/clean", pipeline.Partition{By: pipeline.Key, Value: "eu"})
		check(t, err)
		got := append(m.Files, m.Quarantine...)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("with %d workers: %s", workers, diff)
		}
		check(t, p.Close())
	}
}
