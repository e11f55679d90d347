package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/pipeline"
)

// openAudit makes the log that runs write to. That there is no key to sign with matters only to who
// puts something on record.
func (p *Project) openAudit() {
	p.audit = &audit.Log{
		FS: p.fs, Clock: p.clock, Sleep: p.sleep, Root: p.dir,
		Before: p.beforeAudit, Datasets: p.publish.Datasets,
		Holder: p.holder(),
	}
	p.publish.Known, p.publish.Approving = p.knownApprovals, p.intendApprovals
	p.publish.Removing = func(dataset, partitionDir string, versions []int64) error {
		if err := p.maySign(); err != nil {
			return err
		}
		return p.audit.Append(context.Background(), audit.Entry{
			Kind: audit.GC, Dataset: dataset, Partition: partitionDir, Removed: versions, Actor: p.opts.Actor,
		})
	}
	if p.opts.SigningKey == "" {
		return
	}
	var err error
	if p.audit.Key, err = audit.ReadKey(p.opts.SigningKey); err != nil {
		p.noKey = pipeline.Errorf(pipeline.Invalid, "the signing key: %w", err).
			With("nothing was run: what can't be signed is not put on record", "`penstock audit keygen FILE` makes a key")
	}
}

// holder says who writes to the record, to those who wait.
func (p *Project) holder() string {
	machine, _ := os.Hostname() // it is a courtesy
	return fmt.Sprintf("process %d of %s on %s", os.Getpid(), p.opts.Actor, machine)
}

// maySign is an error if what is put on record must be signed, and can't be.
func (p *Project) maySign() error {
	if p.noKey != nil || !p.opts.AuditSigned || p.audit.Key != nil {
		return p.noKey
	}
	return pipeline.Errorf(pipeline.Invalid, "this project signs what is put on record, and there is no signing key").
		With("name the file with the key in PENSTOCK_SIGNING_KEY, or with --signing-key; nothing was run")
}

// Died reports whether a run that says that it is running has no process any more, and why its end
// is not on record: who opened the project can't sign it.
func (p *Project) Died(rec *pipeline.RunRecord) (bool, error) {
	if rec.Status != pipeline.Running {
		return false, nil
	}
	held, err := p.fs.Held(p.state("live", rec.Run+".lock"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return !held, p.maySign()
}

// chain are the entries for the end of a run, and for what it made current.
func chain(rec *pipeline.RunRecord, text []byte, current []published) (entries []audit.Entry) {
	for _, v := range current {
		m := v.manifest
		if runOf(m) != rec.Run {
			continue // it was current before
		}
		entries = append(entries, versionEntry(m, v.digest, dirOf(rec, m.Dataset)))
	}
	return append(entries, runEntry(rec, text))
}

func runEntry(rec *pipeline.RunRecord, text []byte) audit.Entry {
	return audit.Entry{Kind: audit.Run, Run: rec.Run, Status: string(rec.Status), Actor: rec.Actor, Digest: sha256Of(text)}
}

func backfillEntry(r *BackfillRecord, text []byte) audit.Entry {
	return audit.Entry{Kind: audit.Backfill, Run: r.ID, Status: string(r.Status), Actor: r.Actor, Digest: sha256Of(text)}
}

// lateBackfill puts the end of a backfill on record whose process died just then.
func (p *Project) lateBackfill(r *BackfillRecord) error {
	text, err := p.fs.ReadFile(p.state("backfills", r.ID+".json"))
	if err != nil {
		return err
	}
	entries, err := p.left([]audit.Entry{backfillEntry(r, text)}, sha256Of(text))
	if err != nil {
		return err
	}
	return p.audit.Append(context.Background(), entries...)
}

// versionEntry is the entry of a version that became current.
func versionEntry(m *pipeline.Manifest, digest, partitionDir string) audit.Entry {
	e := audit.Entry{
		Kind: audit.Publish, Dataset: m.Dataset, Partition: partitionDir, Version: m.Version,
		Run: runOf(m), Actor: m.Actor, Digest: digest, Previous: m.Previous,
	}
	switch {
	case m.Rollback != nil:
		e.Kind, e.Actor = audit.Rollback, m.Rollback.Actor
	case m.Release != nil:
		e.Kind = audit.Release
	}
	return e
}

// dirOf is the directory of a run's partition below a dataset.
func dirOf(rec *pipeline.RunRecord, dataset string) string {
	for _, out := range rec.Outputs {
		if out.Dataset == dataset {
			return partitionDir(out)
		}
	}
	return rec.Dir
}

func sha256Of(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// approvalEntry is the entry for the approvals that are on record of a partition.
func (p *Project) approvalEntry(dataset, partitionDir string) (audit.Entry, error) {
	digest, err := p.publish.ApprovalsDigest(dataset, partitionDir)
	return audit.Entry{Kind: audit.Approval, Dataset: dataset, Partition: partitionDir, Actor: p.opts.Actor, Digest: digest}, err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// beforeAudit gives entries for what was there before a chain begins: of a dataset the versions
// that are kept and what was approved of, of the project the records of runs and backfills.
func (p *Project) beforeAudit(dataset string) (all []audit.Entry, err error) {
	if dataset == "" {
		return p.recordsBeforeAudit()
	}
	kept, err := p.publish.Manifests(dataset)
	if err != nil {
		return nil, err
	}
	dirs := []string{""}
	for _, v := range kept {
		e := versionEntry(v.Manifest, v.Digest, v.Dir)
		e.Kind = audit.Adopt
		all = append(all, e)
		if !slices.Contains(dirs, v.Dir) {
			dirs = append(dirs, v.Dir)
		}
	}
	adopts, err := p.audit.Adopts()
	if err != nil || !adopts {
		return all, err // what was decided in a project that began with a chain is on one
	}
	decided, err := p.decisionsBeforeAudit(dataset)
	if err != nil {
		return nil, err
	}
	all = append(all, decided...)
	for _, dir := range dirs {
		e, err := p.approvalEntry(dataset, dir)
		e.Kind = audit.Adopt
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			all = append(all, e)
		}
	}
	return all, nil
}

func (p *Project) recordsBeforeAudit() (all []audit.Entry, err error) {
	runs, err := p.recordNames()
	if err != nil {
		return nil, err
	}
	slices.Sort(runs)
	backfills, err := p.backfills()
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		text, err := p.fs.ReadFile(p.state("runs", run+".json"))
		if err != nil {
			return nil, err
		}
		rec := struct{ Status string }{}
		_ = json.Unmarshal(text, &rec) // what can't be read is adopted as it is
		all = append(all, audit.Entry{Kind: audit.Adopt, Run: run, Status: rec.Status, Digest: sha256Of(text)})
	}
	for _, id := range backfills {
		rec, err := p.readBackfill(id)
		if err != nil {
			return nil, err
		}
		if rec.Status == BackfillRunning {
			continue // its end will be on record
		}
		text, err := p.fs.ReadFile(p.state("backfills", id+".json"))
		if err != nil {
			return nil, err
		}
		all = append(all, audit.Entry{Kind: audit.Adopt, Run: id, Digest: sha256Of(text)})
	}
	return all, nil
}

// VerifyAudit checks the chains of the project and of its datasets, and every file that they, the
// manifests and the records of runs stand for.
func (p *Project) VerifyAudit(ctx context.Context, o audit.Options) (*audit.Report, error) {
	if err := p.auditOptions(&o); err != nil {
		return nil, err
	}
	return audit.Verify(ctx, p.dir, o)
}

// auditOptions fills in what the project demands.
func (p *Project) auditOptions(o *audit.Options) error {
	o.Signed = o.Signed || p.opts.AuditSigned
	if len(o.Keys) == 0 {
		for _, name := range p.opts.AuditKeys {
			keys, err := audit.ReadPublic(p.abs(name))
			if err != nil {
				return pipeline.Errorf(pipeline.Invalid, "the keys of the audit: %w", err)
			}
			o.Keys = append(o.Keys, keys...)
		}
	}
	if o.Signed && len(o.Keys) == 0 {
		return pipeline.Errorf(pipeline.Invalid, "the record must be signed, and there is no key to verify it with").
			With("give the public key with --key, or name it in penstock.yaml: `audit: {keys: [FILE]}`")
	}
	return nil
}

// ReportAudit makes the report of a period, both ends included; the zero time is open.
func (p *Project) ReportAudit(ctx context.Context, from, to time.Time, o audit.Options) (*audit.Ledger, error) {
	if err := p.auditOptions(&o); err != nil {
		return nil, err
	}
	l, err := audit.Collect(ctx, p.dir, from, to, o)
	if err != nil {
		return nil, err
	}
	for i := range l.Rows {
		scrub(&l.Rows[i])
	}
	l.Made, l.Penstock = p.clock.Now().UTC(), Version()
	return l, nil
}
