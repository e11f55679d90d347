package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

const nasty = "=cmd|' /C calc'!A0\n+1 <script>alert(1)</script> \u202eevil\r\n\"x\""

func nastyLedger() *Ledger {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	rec := &pipeline.RunRecord{
		Run: "r1", Pipeline: nasty, Partition: "-1", Status: pipeline.Published, Started: at, Actor: "@alice", Command: []string{"penstock", nasty},
		Params: map[string]string{"a": nasty}, Error: nasty,
		Inputs: []pipeline.InputRecord{
			{Name: "raw", Files: []pipeline.File{{Path: nasty, Bytes: 3, SHA256: "aa"}}},
			{Name: "up", Dataset: "out/up", Partition: "p", Version: 2, Manifest: "bb"},
			{Name: "gone", Dataset: "out/gone", Partition: "p", Missing: true},
		},
		Outputs: []pipeline.OutputRecord{{Dataset: "out/a", Path: "out/a/key=p", Version: 1, Rows: 5}},
		Gates: []pipeline.Finding{
			{Stage: "a", Name: "good", Verdict: pipeline.Pass},
			{Stage: "a", Name: "bad", Verdict: pipeline.Fail, Observed: nasty, Expected: "less", Approved: &pipeline.Approval{Actor: "bob", Reason: nasty, At: at, Expires: at.AddDate(0, 1, 0)}},
		},
		Approvals: []pipeline.Approval{{Actor: "bob", Reason: nasty, At: at.Add(time.Minute), Stage: "a", Gate: "bad", Verdict: pipeline.Fail}},
	}
	rows := rowsOf(rec, &Entry{Seq: 7, Digest: "dd"}, map[versionAt]string{{"out/a", "key=p", 1}: "ee"})
	return &Ledger{Project: nasty, Made: at, Penstock: "v1", Verified: &Report{
		Chains: []Chain{{Path: ".penstock/audit.jsonl", Entries: 7, Head: Head{Seq: 7, Sum: "ff"}}}, Problems: []Problem{{Path: nasty, What: nasty}},
	}, Rows: rows}
}

// Nothing in a CSV file begins as a formula does, in any of its lines.
func TestCSVHasNoFormulas(t *testing.T) {
	var out strings.Builder
	if err := nastyLedger().WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(all) != 3 || len(all[0]) != len(columns) {
		t.Fatal(len(all), err)
	}
	for _, row := range all[1:] {
		for i, cell := range row {
			for line := range strings.Lines(cell) {
				if strings.ContainsRune("=+-@\t\r|%", rune(line[0])) {
					t.Errorf("column %s has a line that is a formula: %q", all[0][i], line)
				}
			}
		}
	}
	got := map[string]string{}
	for i, name := range all[0] {
		got[name] = all[1][i]
	}
	for name, want := range map[string]string{
		"time": "2026-11-29T12:00:00Z", "actor": "'@alice", "partition": "'-1", "passed": "1", "entry": "7", "digest": "dd",
		"outputs": "out/a@-1 version 1, 5 rows, manifest sha256 ee",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if want := "out/up@p version 2, manifest sha256 bb\nout/gone@p: not published then"; !strings.HasSuffix(got["inputs"], want) {
		t.Errorf("inputs are %q, want %q at the end", got["inputs"], want)
	}
	if all[2][1] != "approval" || all[2][6] != "bob" {
		t.Errorf("the decision is %q", all[2])
	}
}

// A page has no element that is not its own, no script, and loads nothing.
func TestHTMLIsEscaped(t *testing.T) {
	var out strings.Builder
	if err := nastyLedger().WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" || n.Data == "img" || n.Data == "link" || n.Data == "iframe" {
			t.Errorf("the page has a %s", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "src" || a.Key == "href" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
	text := out.String()
	if strings.Contains(text, "\u202e") || !strings.Contains(text, "&lt;script&gt;") || !strings.Contains(text, "does not hold") {
		t.Error("texts are not as they should be shown")
	}
}

func TestJSONIsWhole(t *testing.T) {
	var out strings.Builder
	if err := nastyLedger().WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var back Ledger
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil || len(back.Rows) != 2 || back.Rows[0].Reason != "" || back.Rows[1].Reason != nasty {
		t.Error(back.Rows, err)
	}
}

// Who waits in vain is told who has the lock.
func TestLockNamesItsHolder(t *testing.T) {
	mem := faults.NewMem()
	l := newLog(t, mem, memRoot)
	l.Sleep = func(context.Context, time.Duration) error { return nil }
	held, err := mem.Lock(filepath.Join(memRoot, ".penstock", "audit.lock"), []byte("process 7 of ann on ahost"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	err = l.Append(t.Context(), done(1)...)
	if err == nil || !strings.HasSuffix(err.Error(), "audit.lock is locked, last by process 7 of ann on ahost") {
		t.Error(err)
	}
}
