package breaks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
)

const someBreak = "0123456789abcdef"

// lay writes the file of a decision, and gives its text.
func lay(t *testing.T, dir, partitionDir string, d Decision) {
	t.Helper()
	text, err := d.Text()
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(dir, DecisionsDir(d.Dataset), partitionDir)
	if err := os.MkdirAll(in, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, d.File()), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func assignment(partition string, seq int, owner string) Decision {
	return Decision{
		ID: fmt.Sprintf("id-%s-%d", partition, seq), Dataset: "w/b", Partition: partition, Seq: seq, Break: someBreak,
		Action: Assign, Owner: owner, Actor: "anna", At: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC),
	}
}

func envAt(t *testing.T, dir string, by pipeline.By, partition string) *pipeline.Env {
	t.Helper()
	p, err := pipeline.ParseDir(string(by) + "=" + partition)
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline.Env{Dir: dir, Partition: p, Alloc: memory.DefaultAllocator}
}

// A partition has the decisions from it and from those before it, in their order.
func TestDecisionsUpToAPartition(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []Decision{
		assignment("2026-11-02", 2, "c"), assignment("2026-11-02", 1, "b"), assignment("2026-11-01", 1, "a"), assignment("2026-11-10", 1, "d"),
	} {
		lay(t, dir, "day="+d.Partition, d)
	}
	lay(t, dir, "hour=2026-11-02T05", assignment("2026-11-02T05", 1, "h"))
	lay(t, dir, "hour=2026-10-25T02b", assignment("2026-10-25T02b", 1, "again"))
	lay(t, dir, "month=2026-10", assignment("2026-10", 1, "m"))
	if err := os.WriteFile(filepath.Join(dir, DecisionsDir("w/b"), "day=2026-11-01", "000002-x.json.tmp"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		by   pipeline.By
		at   string
		want string
	}{
		{pipeline.Day, "2026-10-31", "m again"},
		{pipeline.Day, "2026-11-01", "m again a"},
		{pipeline.Day, "2026-11-02", "m again a b c h"},
		{pipeline.Day, "2026-11-10", "m again a b c h d"},
		{pipeline.Month, "2026-09", ""},
		{pipeline.Month, "2026-11", "m again a b c h d"},
		{pipeline.Hour, "2026-10-25T02", "m"},
		{pipeline.Hour, "2026-10-25T02b", "m again"},
		{pipeline.Hour, "2026-11-02T04", "m again a b c"},
	} {
		env := envAt(t, dir, test.by, test.at)
		src := Decisions{Dataset: "w/b"}
		in, err := src.Resolve(context.Background(), env)
		if err != nil {
			t.Fatal(err)
		}
		var owners []string
		nr := 0
		for i, s := range in.Splits {
			r, err := s.Open(context.Background(), env, []string{"nr", "owner", "until"})
			if err != nil {
				t.Fatal(err)
			}
			err = pipeline.Each(context.Background(), r, func(b arrow.RecordBatch) error {
				for _, row := range cells(b) {
					nr++
					if row["nr"] != fmt.Sprint(nr) || len(row) != 2 || s.File != i || in.Files[i].SHA256 == "" {
						t.Errorf("row %v of file %d, %+v", row, s.File, in.Files[i])
					}
					owners = append(owners, row["owner"])
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(test.want, strings.Join(owners, " ")); diff != "" {
			t.Errorf("%s: %s", test.at, diff)
		}
	}
}

// entries is a directory with many files.
type entries struct{ fs.DirEntry }

func TestTooManyDecisionsAreRefused(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, "day=2026-11-01", assignment("2026-11-01", 1, "a"))
	env := envAt(t, dir, pipeline.Day, "2026-11-01")
	env.Dirs = func(name string) ([]fs.DirEntry, error) {
		all, err := os.ReadDir(name)
		if filepath.Base(name) == "day=2026-11-01" {
			for len(all) <= MaxDecisions {
				all = append(all, entries{all[0]})
			}
		}
		return all, err
	}
	_, err := Decisions{Dataset: "w/b"}.List(env)
	if err == nil || !strings.Contains(err.Error(), ".penstock/breaks/w/b has more than 100000 decisions") || pipeline.KindOf(err) != pipeline.BadInput {
		t.Error(err)
	}
}

// A decision that is put on record while they are read holds; one that is gone is missed.
func TestADecisionIsMadeWhileTheyAreRead(t *testing.T) {
	dir := t.TempDir()
	was, now := assignment("2026-11-01", 1, "a"), assignment("2026-11-01", 2, "b")
	lay(t, dir, "day=2026-11-01", was)
	recorded := map[string]pipeline.RecordedFile{}
	record := func(d Decision) {
		text, err := d.Text()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		recorded["day="+d.Partition+"/"+d.File()] = pipeline.RecordedFile{Digests: []string{hex.EncodeToString(sum[:])}, Stands: true}
	}
	record(was)
	env := envAt(t, dir, pipeline.Day, "2026-11-01")
	between := func() {
		lay(t, dir, "day=2026-11-01", now)
		record(now)
	}
	env.Recorded = func(string) (map[string]pipeline.RecordedFile, error) {
		between()
		between = func() {}
		return maps.Clone(recorded), nil
	}
	all, err := Decisions{Dataset: "w/b"}.All(env)
	if err != nil || len(all) != 2 || all[1].Owner != "b" {
		t.Fatalf("%v, %v", all, err)
	}
	if err := os.Remove(filepath.Join(dir, DecisionsDir("w/b"), "day=2026-11-01", now.File())); err != nil {
		t.Fatal(err)
	}
	if _, err = (Decisions{Dataset: "w/b"}).All(env); err == nil || !strings.Contains(err.Error(), now.File()+": is gone, and the audit has it on record") {
		t.Error(err)
	}
}

func TestDecisionsThatSayNothing(t *testing.T) {
	good := assignment("2026-11-01", 1, "a")
	for want, edit := range map[string]func(map[string]any){
		"is no id of a break":         func(m map[string]any) { m["break"] = "x" },
		`unknown action "drop"`:       func(m map[string]any) { m["action"] = "drop" },
		"to whom":                     func(m map[string]any) { m["owner"] = "" },
		"needs a reason":              func(m map[string]any) { m["action"] = "reopen" },
		"for which values":            func(m map[string]any) { m["action"], m["reason"] = "accept", "x" },
		"not known who decides":       func(m map[string]any) { m["actor"] = "" },
		"it was moved":                func(m map[string]any) { m["seq"] = 2 },
		"of w/c@2026-11-01: it was":   func(m map[string]any) { m["dataset"] = "w/c" },
		"unknown field":               func(m map[string]any) { m["more"] = 1 },
		"a reason has at most 4096":   func(m map[string]any) { m["reason"] = strings.Repeat("x", 4097) },
		"cannot unmarshal number":     func(m map[string]any) { m["owner"] = 1 },
		"of w/b@2026-11-02: it was m": func(m map[string]any) { m["partition"] = "2026-11-02" },
	} {
		text, err := good.Text()
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		edit(m)
		if text, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		lay(t, dir, "day=2026-11-01", good)
		name := filepath.Join(DecisionsDir("w/b"), "day=2026-11-01", good.File())
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err = Decisions{Dataset: "w/b"}.Resolve(context.Background(), envAt(t, dir, pipeline.Day, "2026-11-01"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) || pipeline.KindOf(err) != pipeline.BadInput {
			t.Errorf("error is %v, expected %q in it", err, want)
		}
	}
}

func ExampleLedger() {
	fmt.Println(Ledger(Options{Dataset: "compare"}))
	// Output: breaks of "compare" keep 90
}
