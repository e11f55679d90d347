package pipeline

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Approval is a person's decision that a partition may be published although a gate
// blocked it. It holds for just these bytes under just these rules, and of just this
// verdict: that a gate failed is another thing than that it could not be evaluated.
type Approval struct {
	// Run is the blocked run, Dataset and Partition what it held, Stage and Gate the finding
	// that is overruled, with its verdict.
	Run       string  `json:"run"`
	Dataset   string  `json:"dataset"`
	Partition string  `json:"partition"`
	Stage     string  `json:"stage"`
	Gate      string  `json:"gate"`
	Verdict   Verdict `json:"verdict"`
	// Bytes is the digest of what was staged, Rules that of the rules that judged it: see
	// Manifest.BytesDigest and Manifest.RulesDigest.
	Bytes string `json:"bytes"`
	Rules string `json:"rules"`

	Reason  string    `json:"reason"`
	Actor   string    `json:"actor"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires,omitzero"`
	// FourEyes says that Actor had to be another than who made the bytes.
	FourEyes bool `json:"four_eyes,omitempty"`
}

// HeldRecord is a version that a blocked run left for a decision. Readers don't see it.
type HeldRecord struct {
	Run       string `json:"run"`
	Dataset   string `json:"dataset"`
	Partition string `json:"partition"`
	// Path is the directory readers would look at, relative to the project.
	Path string `json:"path"`
	Rows int64  `json:"rows"`
	// Bytes is the digest of its files, Gates the fingerprint of the rules that judged it,
	// Manifest the SHA-256 of its manifest, as it is while it is held.
	Bytes    string `json:"bytes"`
	Gates    string `json:"gates"`
	Manifest string `json:"manifest"`
	// Previous is the SHA-256 of the manifest that was current when it was staged; empty if
	// nothing was published then.
	Previous string `json:"previous,omitempty"`
	// Until is when it is thrown away.
	Until time.Time `json:"until"`
	// FourEyes says that the run asked for it: who ran it can't approve of it.
	FourEyes bool `json:"four_eyes,omitempty"`
}

// BytesDigest is the hex SHA-256 over path, digest and size of the files of data and
// quarantine, by path. It is empty if there is no file, or one without digest: nothing is
// bound to it then.
func (m *Manifest) BytesDigest() string { return FilesDigest(m.Files, m.Quarantine) }

// FilesDigest is Manifest.BytesDigest of files that have no manifest yet.
func FilesDigest(lists ...[]File) string {
	files := slices.Concat(lists...)
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	h := sha256.New()
	for _, f := range files {
		if f.SHA256 == "" {
			return ""
		}
		fmt.Fprintf(h, "%q %s %d\n", f.Path, f.SHA256, f.Bytes)
	}
	if len(files) == 0 {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// RulesDigest is the hex SHA-256 over the fingerprint of all rules that judged a version
// and the text of the one that an approval overrules.
func RulesDigest(gates string, f Finding) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%q %q %q\n", gates, f.Stage, f.Name, f.Rule))
	return hex.EncodeToString(sum[:])
}

// Holds says why an approval does not let a version through a finding of its manifest at a
// time; empty: it does. With fourEyes, or where the run or the approval asked for it, who
// approved must be another than who ran.
func (a *Approval) Holds(m *Manifest, f Finding, now time.Time, fourEyes bool) (why string) {
	switch {
	case a == nil:
		return "nobody approved of it"
	case a.Dataset != m.Dataset || a.Partition != m.Partition:
		return fmt.Sprintf("the approval is of %s@%s", a.Dataset, a.Partition)
	case a.Stage != f.Stage || a.Gate != f.Name:
		return fmt.Sprintf("the approval is of gate %q of stage %q", a.Gate, a.Stage)
	case a.Bytes == "" || a.Bytes != m.BytesDigest():
		return fmt.Sprintf("the approval is of other bytes, %.12s", a.Bytes)
	case a.Rules == "" || a.Rules != RulesDigest(m.Gates, f):
		return fmt.Sprintf("the approval is of other rules, %.12s", a.Rules)
	case a.Verdict != f.Verdict:
		return fmt.Sprintf("the approval is of the verdict %s", a.Verdict)
	case strings.TrimSpace(a.Reason) == "" || a.Actor == "":
		return "the approval has no reason, or nobody who gave it"
	case !a.Expires.IsZero() && !now.Before(a.Expires):
		return "the approval expired " + a.Expires.Format(time.RFC3339)
	case (fourEyes || a.FourEyes || m.FourEyes) && a.Actor == m.Actor:
		return fmt.Sprintf("%s, who approved, made it: four eyes are needed", a.Actor)
	}
	return ""
}

// Unapproved gives the findings of a manifest that keep the version from being published
// at a time: they block, and no approval that they have holds.
func (m *Manifest) Unapproved(now time.Time, fourEyes bool) (all []Finding) {
	for _, f := range m.Findings {
		if f.Blocks() && f.Approved.Holds(m, f, now, fourEyes) != "" {
			all = append(all, f)
		}
	}
	return all
}

// Admits is the last gate before a version becomes visible: an error if a finding blocks
// it and no approval of just these bytes and rules holds at the time.
func (m *Manifest) Admits(now time.Time, fourEyes bool) error {
	if all := m.Unapproved(now, fourEyes); len(all) > 0 {
		f := all[0]
		return Errorf(Conflict, "a version that gate %q says %s of was about to be published: %s",
			f.Name, f.Verdict, f.Approved.Holds(m, f, now, fourEyes)).
			With("nothing of it is visible; run it again, and approve of what comes out with `penstock approve`")
	}
	if len(m.Files) == 0 {
		return Errorf(Internal, "a version without files was about to be published")
	}
	return nil
}

// Endorse gives every finding that blocks the first of the approvals that holds of it.
func (m *Manifest) Endorse(approvals []Approval, now time.Time, fourEyes bool) {
	for i := range m.Findings {
		f := &m.Findings[i]
		if !f.Blocks() || f.Approved.Holds(m, *f, now, fourEyes) == "" {
			continue
		}
		f.Approved = nil
		for _, a := range approvals {
			if a.Holds(m, *f, now, fourEyes) == "" {
				f.Approved = &a
				break
			}
		}
	}
}

// ApprovedGates names the gates that did not pass and were approved of, of this version
// and of all it was made of: "volume of warehouse/clean@2001-07".
func (m *Manifest) ApprovedGates() (all []string) {
	for _, f := range m.Findings {
		if f.Approved != nil {
			all = append(all, fmt.Sprintf("%s of %s@%s", f.Name, m.Dataset, m.Partition))
		}
	}
	for _, in := range m.Inputs {
		all = append(all, in.Approved...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
