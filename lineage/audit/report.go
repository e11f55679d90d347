package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Ledger is a report for an auditor: who did what in a period, and whether the record of it holds.
type Ledger struct {
	Project string `json:"project"` // its directory's name
	// From and To are the period; the zero value is open.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Made is when the report was made, by Penstock, its version.
	Made     time.Time `json:"made"`
	Penstock string    `json:"penstock"`
	// Verified is what Verify found then.
	Verified *Report `json:"verified"`
	Rows     []Row   `json:"rows"`
}

// Act says what somebody did.
type Act string

// What somebody did.
const (
	Ran        Act = "run"
	Approved   Act = "approval"
	Released   Act = "release"
	RolledBack Act = "rollback"
	Decided    Act = "decision" // about a break
)

// Row is something that somebody did. Lists have an entry for each thing; they are texts that
// people read, with digests in full.
type Row struct {
	Time      time.Time `json:"time"`
	Act       Act       `json:"act"`
	Run       string    `json:"run"`
	Pipeline  string    `json:"pipeline"`
	Partition string    `json:"partition"`
	Status    string    `json:"status"`
	Actor     string    `json:"actor"`
	// Reason is why, where an act needs one, Until when it ends.
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`

	Command  string `json:"command,omitempty"`
	Commit   string `json:"commit,omitempty"`
	Penstock string `json:"penstock,omitempty"`
	// Code are the fingerprints of the stages, Params the parameters.
	Code    []string `json:"code,omitempty"`
	Params  []string `json:"params,omitempty"`
	Inputs  []string `json:"inputs,omitempty"`
	Outputs []string `json:"outputs,omitempty"`
	// Verdicts are those that are no pass, and Passed counts the others; Overridden says of
	// those that somebody overruled who, when, why and until when.
	Passed     int      `json:"passed,omitempty"`
	Verdicts   []string `json:"verdicts,omitempty"`
	Overridden []string `json:"overridden,omitempty"`
	Error      string   `json:"error,omitempty"`
	// Details are what else an act says: versions of a rollback, rows of a release, what it undid.
	Details []string `json:"details,omitempty"`
	// Entry is the number of the entry of the project's chain that the run's record stands in, of a
	// decision about a break that of the ledger's chain, Digest the SHA-256 of the record or the
	// decision; 0 where it is on no chain.
	Entry  int64  `json:"entry,omitempty"`
	Digest string `json:"digest,omitempty"`

	after time.Time // it comes after what was then, whatever its own time was cut to
}

// Collect makes the report of the project at root over a period, both ends included. What the
// record says is taken as it is: whether it holds is in Verified.
func Collect(ctx context.Context, root string, from, to time.Time, o Options) (*Ledger, error) {
	c, err := look(ctx, root, o)
	if err != nil {
		return nil, err
	}
	l := &Ledger{Project: filepath.Base(root), From: from, To: to, Verified: &c.Report, Rows: []Row{}}
	digests := c.digests()
	last := map[string]*Entry{}
	for _, e := range c.chains[""].entries {
		if e.Run != "" && e.Digest != "" && e.Kind != Intent {
			last[e.Run] = e
		}
	}
	dir := filepath.Join(root, stateDir, "runs")
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		run, isRecord := strings.CutSuffix(name, ".json")
		if !isRecord {
			continue
		}
		rec := &pipeline.RunRecord{}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || json.Unmarshal(text, rec) != nil || rec.Run == "" {
			continue // Verified tells
		}
		for _, row := range rowsOf(rec, last[run], digests) {
			if (from.IsZero() || !row.Time.Before(from)) && (to.IsZero() || !row.Time.After(to)) {
				l.Rows = append(l.Rows, row)
			}
		}
	}
	for _, row := range c.decisionRows() {
		if (from.IsZero() || !row.Time.Before(from)) && (to.IsZero() || !row.Time.After(to)) {
			l.Rows = append(l.Rows, row)
		}
	}
	slices.SortStableFunc(l.Rows, func(a, b Row) int { return a.after.Compare(b.after) })
	return l, nil
}

// rowsOf are what was done by a run, and with it since.
func rowsOf(rec *pipeline.RunRecord, e *Entry, digests map[versionAt]string) []Row {
	row := Row{
		Time: rec.Started.UTC(), Act: Ran, Run: rec.Run, Pipeline: rec.Pipeline, Partition: rec.Partition, Status: string(rec.Status),
		after: rec.Started, Actor: rec.Actor, Command: strings.Join(rec.Command, " "), Commit: rec.Commit, Penstock: rec.Penstock, Error: rec.Error,
	}
	if e != nil {
		row.Entry, row.Digest = e.Seq, e.Digest
	}
	row.made(rec, digests)
	for _, f := range rec.Gates {
		row.finding(f)
	}
	row.act(rec)
	all := []Row{row}
	for _, a := range rec.Approvals {
		all = append(all, row.approval(a))
	}
	return all
}

// made says what was made of what, and how.
func (r *Row) made(rec *pipeline.RunRecord, digests map[versionAt]string) {
	for _, name := range slices.Sorted(maps.Keys(rec.Params)) {
		r.Params = append(r.Params, name+"="+rec.Params[name])
	}
	for _, b := range rec.Bases {
		for _, name := range slices.Sorted(maps.Keys(b.Code)) {
			if code := name + "=" + b.Code[name]; !slices.Contains(r.Code, code) {
				r.Code = append(r.Code, code)
			}
		}
	}
	for _, in := range rec.Inputs {
		r.Inputs = append(r.Inputs, inputTexts(in)...)
	}
	for _, out := range rec.Outputs {
		r.Outputs = append(r.Outputs, outputText(rec, out, digests))
	}
}

// act says what a person did who did not just run something.
func (r *Row) act(rec *pipeline.RunRecord) {
	for _, u := range rec.Undone {
		r.Details = append(r.Details, fmt.Sprintf("undid the release of version %d of %s@%s by %s: %s", u.Version, u.Dataset, u.Partition, u.Release.Actor, u.Release.Reason))
	}
	switch {
	case rec.Release != nil:
		r.Act, r.Reason = Released, rec.Release.Reason
		r.Details = append(r.Details, releaseText(rec.Release)...)
	case rec.Rollback != nil:
		r.Act, r.Reason = RolledBack, rec.Rollback.Reason
		r.Details = append(r.Details, fmt.Sprintf("version %d made current again, in place of version %d", rec.Rollback.To, rec.Rollback.From))
	}
}

// approval is the row for a decision upon a run.
func (r *Row) approval(a pipeline.Approval) Row {
	after := a.At // it is cut to the second
	if after.Before(r.after) {
		after = r.after
	}
	row := Row{
		after: after, Time: a.At.UTC(), Act: Approved, Run: r.Run, Pipeline: r.Pipeline, Partition: r.Partition, Status: r.Status,
		Actor: a.Actor, Reason: a.Reason, Entry: r.Entry, Digest: r.Digest,
		Verdicts: []string{fmt.Sprintf("%s/%s: %s", a.Stage, a.Gate, a.Verdict)},
		Details:  []string{fmt.Sprintf("of %s@%s, bytes %s, rules %s", a.Dataset, a.Partition, a.Bytes, a.Rules)},
	}
	if !a.Expires.IsZero() {
		row.Until = a.Expires.UTC()
	}
	return row
}

func (r *Row) finding(f pipeline.Finding) {
	if f.Verdict == pipeline.Pass {
		r.Passed++
		return
	}
	text := fmt.Sprintf("%s/%s: %s", f.Stage, f.Name, f.Verdict)
	if f.Observed != "" {
		text += ", " + f.Observed
	}
	if f.Expected != "" {
		text += ", " + f.Expected + " expected"
	}
	r.Verdicts = append(r.Verdicts, text)
	if a := f.Approved; a != nil {
		until := ""
		if !a.Expires.IsZero() {
			until = " until " + a.Expires.UTC().Format(time.RFC3339)
		}
		r.Overridden = append(r.Overridden, fmt.Sprintf("%s/%s by %s on %s%s: %s", f.Stage, f.Name, a.Actor, a.At.UTC().Format(time.RFC3339), until, a.Reason))
	}
}

// inputTexts say what was read, each with its digest.
func inputTexts(in pipeline.InputRecord) (all []string) {
	if in.Dataset != "" {
		switch {
		case in.Missing:
			return []string{fmt.Sprintf("%s@%s: not published then", in.Dataset, in.Partition)}
		case in.Version == 0:
			return []string{fmt.Sprintf("%s@%s, not published yet", in.Dataset, in.Partition)}
		}
		return []string{fmt.Sprintf("%s@%s version %d, manifest sha256 %s", in.Dataset, in.Partition, in.Version, in.Manifest)}
	}
	for _, f := range in.Files {
		all = append(all, fmt.Sprintf("%s, %d bytes, sha256 %s", f.Path, f.Bytes, f.SHA256))
	}
	return all
}

// versionAt names a version of a partition, by its directory.
type versionAt struct {
	dataset, partition string
	version            int64
}

// digests are those of all manifests, as the chains have them.
func (c *checker) digests() map[versionAt]string {
	all := map[versionAt]string{}
	for dataset, ch := range c.chains {
		for _, e := range ch.entries {
			if e.Version > 0 {
				all[versionAt{dataset, e.Partition, e.Version}] = e.Digest
			}
		}
	}
	return all
}

// outputText names a version, with the digest that the chain has of it.
func outputText(rec *pipeline.RunRecord, out pipeline.OutputRecord, digests map[versionAt]string) string {
	text := fmt.Sprintf("%s@%s version %d, %d rows", out.Dataset, rec.Partition, out.Version, out.Rows)
	dir := ""
	if out.Path != out.Dataset {
		dir = path.Base(out.Path)
	}
	if digest := digests[versionAt{out.Dataset, dir, out.Version}]; digest != "" {
		text += ", manifest sha256 " + digest
	}
	return text
}

func releaseText(r *pipeline.Release) []string {
	all := []string{fmt.Sprintf("of version %d: %d rows through the gates again, %d left in quarantine", r.Version, r.Rows, r.Kept)}
	if len(r.Rules) > 0 {
		all = append(all, "rows that broke only "+strings.Join(r.Rules, ", "))
	}
	if f := r.Corrected; f != nil {
		all = append(all, fmt.Sprintf("corrected by %s, %d bytes, sha256 %s", f.Path, f.Bytes, f.SHA256))
	}
	for _, w := range r.Waived {
		all = append(all, fmt.Sprintf("rule %s waived, %d rows break it", w.Rule, w.Rows))
	}
	if len(r.Lapsed) > 0 {
		all = append(all, "waived before, and no longer: "+strings.Join(r.Lapsed, ", "))
	}
	return all
}
