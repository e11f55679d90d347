package verify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// approval is a person's decision as a manifest has it.
type approval struct {
	Dataset   string    `json:"dataset"`
	Partition string    `json:"partition"`
	Stage     string    `json:"stage"`
	Gate      string    `json:"gate"`
	Verdict   string    `json:"verdict"`
	Bytes     string    `json:"bytes"`
	Rules     string    `json:"rules"`
	Reason    string    `json:"reason"`
	Actor     string    `json:"actor"`
	At        time.Time `json:"at"`
	Expires   time.Time `json:"expires"`
	FourEyes  bool      `json:"four_eyes"`
}

// verdicts checks that whatever a version was published under has passed, or was approved
// of, when it was published, by somebody who meant just these bytes and rules.
func (c *checker) verdicts(dir string, m manifest) {
	for _, f := range m.Findings {
		if f.Severity == "warn" || f.Verdict == "pass" || f.Verdict == "warn" {
			continue
		}
		if why := f.unapproved(m); why != "" {
			c.problem(dir, "was published although gate %q of stage %q says %s%s", f.Name, f.Stage, f.Verdict, why)
		}
	}
}

// unapproved says what is wrong with the approval of a finding; empty: nothing.
func (f finding) unapproved(m manifest) string {
	a := f.Approved
	if a == nil {
		return ", and nobody approved of it"
	}
	rules := sha256.Sum256([]byte(fmt.Sprintf("%s\n%q %q %q\n", m.Gates, f.Stage, f.Name, f.Rule)))
	for _, wrong := range []struct {
		is   bool
		what string
	}{
		{a.Dataset != m.Dataset || a.Partition != m.Partition, "another partition"},
		{a.Stage != f.Stage || a.Gate != f.Name, "another gate"},
		{a.Verdict != f.Verdict, "another verdict"},
		{a.Bytes != bytesDigest(m), "other bytes"},
		{a.Rules != hex.EncodeToString(rules[:]), "other rules"},
		{strings.TrimSpace(a.Reason) == "" || a.Actor == "", "nobody, or has no reason"},
		{!a.Expires.IsZero() && !m.Published.Before(a.Expires), "a time that was over"},
		{(a.FourEyes || m.FourEyes) && a.Actor == m.Actor, "who made it, where four eyes were asked for"},
	} {
		if wrong.is {
			return ", and its approval is of " + wrong.what
		}
	}
	return ""
}

func bytesDigest(m manifest) string {
	files := append(slices.Clone(m.Files), m.Quarantine...)
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.Path, b.Path) })
	var text strings.Builder
	for _, f := range files {
		fmt.Fprintf(&text, "%q %s %d\n", f.Path, f.SHA256, f.Bytes)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:])
}

// held checks that what waits for a decision is as its run left it.
func (c *checker) held(dataset string) error {
	for _, name := range list(filepath.Join(dataset, "held")) {
		dir := filepath.Join(dataset, "held", name)
		var about struct{ Run, Manifest string }
		text, err := os.ReadFile(filepath.Join(dir, "held.json"))
		if err == nil {
			err = json.Unmarshal(text, &about)
		}
		if err != nil {
			c.problem(dir, "is held, and does not say what it is: %v", err)
			continue
		}
		if !strings.HasSuffix(name, "."+about.Run) {
			c.problem(dir, "is held, and says that run %s holds it", about.Run)
			continue
		}
		m, err := c.read(filepath.Join(dir, "version", "manifest.json"))
		switch {
		case err != nil:
			c.problem(dir, "is held, and has no readable manifest: %v", err)
			continue
		case m.digest != about.Manifest:
			c.problem(dir, "the manifest of what is held was changed: it is %.12s, and was %.12s", m.digest, about.Manifest)
		}
		if err := c.files(filepath.Join(dir, "version"), slices.Concat(m.Files, m.Quarantine, m.Lineage)); err != nil {
			return err
		}
	}
	return nil
}
