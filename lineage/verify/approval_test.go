package verify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// approvedManifest is one as the publisher would admit it, with a finding that failed.
func approvedManifest(t *testing.T) *pipeline.Manifest {
	t.Helper()
	m := &pipeline.Manifest{
		Dataset: "out/clean", Partition: "eu", Gates: "fingerprint", Actor: "maker", Published: time.Unix(1e9, 0).UTC(),
		Files:      []pipeline.File{{Path: "data/b", SHA256: "bb", Bytes: 2}, {Path: "data/a", SHA256: "aa", Bytes: 1}},
		Quarantine: []pipeline.File{{Path: "quarantine/a", SHA256: "cc", Bytes: 3}},
		Findings:   []pipeline.Finding{{Stage: "clean", Name: "volume", Verdict: pipeline.Fail, Rule: `rows() > "9"`}},
	}
	f := m.Findings[0]
	m.Endorse([]pipeline.Approval{{
		Dataset: m.Dataset, Partition: m.Partition, Stage: f.Stage, Gate: f.Name, Verdict: f.Verdict, Bytes: m.BytesDigest(),
		Rules: pipeline.RulesDigest(m.Gates, f), Reason: "r", Actor: "boss", Expires: m.Published.Add(time.Second), FourEyes: true,
	}}, m.Published, true)
	if err := m.Admits(m.Published, true); err != nil {
		t.Fatal(err)
	}
	return m
}

func problems(t *testing.T, m *pipeline.Manifest) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var read manifest
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	c := &checker{}
	c.verdicts("here", read)
	var all []string
	for _, p := range c.report.Problems {
		all = append(all, p.What)
	}
	return strings.Join(all, "\n")
}

// What the publisher would refuse is a breach, by code of our own.
func TestApprovals(t *testing.T) {
	if got := problems(t, approvedManifest(t)); got != "" {
		t.Errorf("a good approval: %s", got)
	}
	for want, spoil := range map[string]func(m *pipeline.Manifest, f *pipeline.Finding){
		"nobody approved of it":          func(_ *pipeline.Manifest, f *pipeline.Finding) { f.Approved = nil },
		"another partition":              func(m *pipeline.Manifest, _ *pipeline.Finding) { m.Partition = "us" },
		"is of another partition":        func(m *pipeline.Manifest, _ *pipeline.Finding) { m.Dataset = "out/x" },
		"another gate":                   func(_ *pipeline.Manifest, f *pipeline.Finding) { f.Name = "x" },
		"is of another gate":             func(_ *pipeline.Manifest, f *pipeline.Finding) { f.Stage = "x" },
		"another verdict":                func(_ *pipeline.Manifest, f *pipeline.Finding) { f.Verdict = pipeline.ErrorVerdict },
		"other bytes":                    func(m *pipeline.Manifest, _ *pipeline.Finding) { m.Files[0].SHA256 = "ab" },
		"is of other bytes":              func(m *pipeline.Manifest, _ *pipeline.Finding) { m.Quarantine[0].Bytes++ },
		"approval is of other bytes":     func(m *pipeline.Manifest, _ *pipeline.Finding) { m.Files = m.Files[:1] },
		"its approval is of other bytes": func(_ *pipeline.Manifest, f *pipeline.Finding) { f.Approved.Bytes = "" },
		"other rules":                    func(m *pipeline.Manifest, _ *pipeline.Finding) { m.Gates = "x" },
		"is of other rules":              func(_ *pipeline.Manifest, f *pipeline.Finding) { f.Rule = "x" },
		"nobody, or has no reason":       func(_ *pipeline.Manifest, f *pipeline.Finding) { f.Approved.Reason = "" },
		"is of nobody":                   func(_ *pipeline.Manifest, f *pipeline.Finding) { f.Approved.Actor = "" },
		"a time that was over":           func(m *pipeline.Manifest, _ *pipeline.Finding) { m.Published = m.Published.Add(time.Second) },
		"four eyes were asked for":       func(m *pipeline.Manifest, _ *pipeline.Finding) { m.Actor = "boss" },
		"where four eyes were asked for": func(m *pipeline.Manifest, f *pipeline.Finding) {
			m.Actor, m.FourEyes, f.Approved.FourEyes = "boss", true, false
		},
	} {
		m := approvedManifest(t)
		spoil(m, &m.Findings[0])
		if got := problems(t, m); !strings.HasPrefix(got, "was published although gate ") || !strings.Contains(got, want) {
			t.Errorf("want %s, got %q", want, got)
		}
		if m.Admits(m.Published, false) == nil {
			t.Errorf("%s: the publisher would let it through", want)
		}
	}
}
