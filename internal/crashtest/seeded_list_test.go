package crashtest

const (
	publishDir = "internal/publish/"
	publishPkg = "./internal/publish"
	ownPkg     = "./internal/crashtest"
	auditDir   = "lineage/audit/"
	auditPkg   = "./lineage/audit"
	rootPkg    = "."
)

// seeds are mistakes that somebody might make.
var seeds = []seeded{
	// What is durable, and when.
	{"files of a version are not synced", publishDir + "staging.go", `err := st.store.FS.Sync(st.open, dirs)`, `err := st.store.FS.Sync(nil, dirs)`, publishPkg, "TestPowerCutAtEveryOperation"},
	{"directories of a version are not synced", publishDir + "commit.go", "if err := st.sync(dirs...); err != nil {", "if err := st.sync(dirs[:0]...); err != nil {", publishPkg, "TestPowerCutAtEveryOperation"},
	{"the directory of versions is not synced", publishDir + "commit.go", "append(st.dirs(l.version(m.Version)), st.next(), l.versions())", "append(st.dirs(l.version(m.Version)), st.next())", publishPkg, "TestPowerCutAtEveryOperation"},
	{"the links that readers see are not synced", publishDir + "commit.go", "append(st.dirs(l.version(m.Version)), st.next(), l.versions())", "append(st.dirs(l.version(m.Version)), l.versions())", publishPkg, "TestPowerCutAtEveryOperation"},
	{"the switch is not synced", publishDir + "commit.go", "if err := s.FS.Sync(nil, s.above(dir, filepath.Dir(l.root))); err != nil {\n\t\treturn err\n\t}\n\ts.durable", "s.durable", publishPkg, "TestPowerCutAtEveryOperation"},
	{"an unchanged version is not made durable", publishDir + "commit.go", "if err := st.settle(); err != nil {\n\t\treturn nil, st.ioError(err)\n\t}\n\t_ = st.dropHeld(\"\")\n\treturn &Version{Manifest: st.current", "_ = st.dropHeld(\"\")\n\treturn &Version{Manifest: st.current", publishPkg, "TestEveryOperationFails"},
	{"what is held is not synced", publishDir + "hold.go", "if err := st.sync(append(st.dirs(version), dir)...); err != nil {\n\t\treturn err\n\t}\n", "", publishPkg, "TestPowerCutAtEveryOperationOfHoldAndApprove"},
	{"an approval is not synced", publishDir + "approvals.go", "s.FS.Sync(nil, []string{dir, l.store})", "s.FS.Sync(nil, nil)", publishPkg, "TestEverySyncOfHoldAndApproveIsNeeded"},
	{"a small file is not synced", "internal/faults/faults.go", "\tif err == nil {\n\t\terr = f.Sync()\n\t}\n", "", publishPkg, "TestPowerCutAtEveryOperationOfHoldAndApprove"},
	{"a version is synced after it is held", publishDir + "hold.go", "if err := f.Rename(dir, l.heldBy(st.run)); err != nil {\n\t\treturn err\n\t}\n\tif err := f.Sync(nil, st.store.above(l.held(), filepath.Dir(l.root))); err", "if err := f.Sync(nil, st.store.above(l.held(), filepath.Dir(l.root))); err != nil {\n\t\treturn err\n\t}\n\tif err := f.Rename(dir, l.heldBy(st.run)); err", publishPkg, "TestPowerCutAtEveryOperationOfHoldAndApprove"},
	{"a chain is not synced", auditDir + "log.go", "\treturn l.FS.Sync(files, nil)", "\treturn nil", auditPkg, "TestPowerCutAtEveryOperationOfAnAppend"},
	{"a record is not durable when its entry is", auditDir + "log.go", "\treturn l.FS.Sync(nil, dirs)", "\treturn nil", auditPkg, "TestPowerCutAtEveryOperationOfAnAppend"},
	{"what is torn is written on", auditDir + "tail.go", "\t\tif bad < 0 {\n\t\t\treturn at, &torn{sep", "\t\tif true {\n\t\t\treturn at, &torn{sep", auditPkg, "TestTornLineIsMended"},
	{"a digest of an entry is not compared", auditDir + "entry.go", "now := digestOf(rest); now != e.Sum", "now := digestOf(rest); now != e.Sum && false", rootPkg, "TestAnyChangeIsFound"},
	{"a manifest is not compared with its entry", auditDir + "files.go", "found := digestOf(text); found != expected", "found := digestOf(text); found != expected && false", rootPkg, "TestAnyChangeIsFound"},
	// Errors.
	{"the error of a write is swallowed", publishDir + "staging.go", "\tif err != nil {\n\t\treturn n, w.staging.ioError(err)\n\t}\n\treturn n, nil", "\t_ = err\n\treturn len(p), nil", publishPkg, "TestEveryOperationFails"},
	{"the error of a sync is swallowed", publishDir + "staging.go", `err := st.store.FS.Sync(st.open, dirs)`, "_ = st.store.FS.Sync(st.open, dirs)\n\tvar err error", publishPkg, "TestEveryOperationFails"},
	{"the error of the switch is swallowed", publishDir + "commit.go", "if err := st.replace(); err != nil {\n\t\treturn nil, err\n\t}", "_ = st.replace()", publishPkg, "TestEveryOperationFails"},
	{"the error of a hold is swallowed", publishDir + "hold.go", "return nil, errors.Join(st.holdError(h, err), st.takeAway(st.layout.heldBy(st.run)))", "return h, nil", publishPkg, "TestEveryOperationOfHoldAndApproveFails"},
	{"the disk's error passes for damage", publishDir + "adopt.go", "if err := st.store.FS.Link(from, w.Path()); err != nil {\n\t\treturn f, st.ioError(err)\n\t}", "if err := st.store.FS.Link(from, w.Path()); err != nil {\n\t\treturn f, os.ErrNotExist\n\t}", publishPkg, "TestEveryOperationOfARollbackFails"},
	// What may be visible.
	{"a gate that could not be evaluated passes", "pipeline/gate.go", "return v == Pass || v == Warn", "return v == Pass || v == Warn || v == ErrorVerdict", publishPkg, "TestNothingBlockedIsPublished"},
	{"too little history passes", "pipeline/gate.go", "return v == Pass || v == Warn", "return v == Pass || v == Warn || v == InsufficientHistory", publishPkg, "TestNothingBlockedIsPublished"},
	{"a verdict that was forgotten passes", "pipeline/gate.go", "return v == Pass || v == Warn", "return v == Pass || v == Warn || v == \"\"", publishPkg, "TestNothingBlockedIsPublished"},
	{"the publisher does not ask for verdicts", publishDir + "commit.go", "if err := m.Admits(now, st.store.FourEyes); err != nil {\n\t\treturn nil, err\n\t}\n\tif st.current", "if st.current", publishPkg, "TestNothingBlockedIsPublished"},
	{"a rollback does not ask for verdicts", publishDir + "rollback.go", "if err := m.Admits(now, st.store.FourEyes); err != nil {", "if err := m.Admits(now, st.store.FourEyes); err != nil && false {", publishPkg, "TestRollbackNeedsApprovalsThatHold"},
	{"an approval holds of other bytes", "pipeline/approval.go", `a.Bytes == "" || a.Bytes != m.BytesDigest():`, `a.Bytes == "":`, publishPkg, "TestApprovalsThatDoNotHold"},
	{"an approval holds of other rules", "pipeline/approval.go", `a.Rules == "" || a.Rules != RulesDigest(m.Gates, f):`, `a.Rules == "":`, publishPkg, "TestApprovalsThatDoNotHold"},
	{"an approval holds of another verdict", "pipeline/approval.go", "case a.Verdict != f.Verdict:", "case false:", publishPkg, "TestApprovalsThatDoNotHold"},
	{"an approval never expires", "pipeline/approval.go", "case !a.Expires.IsZero() && !now.Before(a.Expires):", "case false:", publishPkg, "TestApprovalsThatDoNotHold"},
	{"four eyes may be two", "pipeline/approval.go", "case (fourEyes || a.FourEyes || m.FourEyes) && a.Actor == m.Actor:", "case false:", publishPkg, "TestApprovalsThatDoNotHold"},
	{"a row that can't be evaluated is none", "gates/verdict.go", "case t.errs > 0:\n\t\tf.Verdict = pipeline.ErrorVerdict", "case t.errs > 0:\n\t\tf.Verdict = pipeline.Pass", "./gates", "TestVerdicts"},
	{"verify takes an error for a pass", "lineage/verify/approval.go", `f.Severity == "warn" || f.Verdict == "pass"`, `f.Severity == "warn" || f.Verdict == "error" || f.Verdict == "pass"`, "./lineage/verify", "TestApprovals"},
	// Who may write.
	{"who is fenced is not moved away", publishDir + "claim.go", "err = errors.Join(err, ignore(st.store.FS.Rename(path, kept), fs.ErrNotExist))", "_ = kept", publishPkg, "TestStoppedAtEveryOperation"},
	{"who is alive does not count", publishDir + "claim.go", "if !alive {\n\t\treturn top + 1, nil\n\t}", "if alive || !alive {\n\t\treturn top + 1, nil\n\t}", publishPkg, "TestMessages"},
	{"what others published meanwhile is overwritten", publishDir + "resume.go", "case st.digest != h.Previous:\n\t\treturn nil, st.overtaken(h)\n\t}\n\tname", "}\n\tname", publishPkg, "TestApprovalConflicts"},
	{"what is held may be altered", publishDir + "resume.go", "case now.SHA256 != f.SHA256:", "case false:", publishPkg, "TestHeldIsAsItWas"},
	{"files of others are swept away", publishDir + "commit.go", "if !known[name] {", "if false {", publishPkg, "TestForeignFilesStay"},
	// What stays, and what goes.
	{"one version too few is kept", publishDir + "commit.go", "return n >= current-int64(st.store.Keep) || pinned[n]", "return n > current-int64(st.store.Keep) || pinned[n]", publishPkg, "TestVersionsFollowEachOther"},
	{"a version does not say what it follows", publishDir + "commit.go", "m.Version, m.Previous = st.current.Version+1, st.digest", "m.Version = st.current.Version + 1", publishPkg, "TestVersionsFollowEachOther"},
	{"a killed run leaves a version too many", publishDir + "staging.go", "if err := st.prune(st.current.Version); err != nil {", "if err := error(nil); err != nil {", publishPkg, "TestKilledBeforeItPruned"},
	{"what was never visible stays", publishDir + "staging.go", "if err != nil || slices.Contains(dead, m.Run) {", "if err != nil {", publishPkg, "TestKilledBeforeTheFirstSwitch"},
	{"damage is not looked for", publishDir + "commit.go", "damaged, err := st.damaged(ctx)", "damaged, err := false, error(nil)", publishPkg, "TestDamageIsRepaired"},
	{"digests are not compared", publishDir + "heal.go", "return err == nil && w.File().SHA256 == want.SHA256, nil", "return err == nil, nil", publishPkg, "TestDamageIsRepaired"},
	{"what is held never goes", publishDir + "hold.go", "max(0, len(names)-maxHeld)", "max(0, len(names)-2*maxHeld)", publishPkg, "TestHeldIsBounded"},
	// What is on record. These start processes.
	{"the index is not written", "internal/store/write.go", `faults.Step("commit index", tx.Commit)`, `faults.Step("commit index", tx.Rollback)`, ownPkg, "TestEveryPointIsListed"},
	{"two versions are current in the index", "internal/store/change.go", ", current = 0 WHERE dataset", ", current = current WHERE dataset", ownPkg, "TestEveryPointIsListed"},
	{"a run is not on record", "run.go", `err := p.audit.Record(ctx, p.state("runs", rec.Run+".json"), text, entries...)`, `err := p.audit.Append(ctx, entries...)`, ownPkg, "TestEveryPointIsListed"},
	{"the claim of a run stays", "run.go", `errors.Join(p.discard(p.state("live", id+".lock")), lock.Close())`, "lock.Close()", ownPkg, "TestEveryPointIsListed"},
	{"a dead run is not completed", "bury.go", "errors.Join(p.recordLate(ctx, rec, p.complete(rec), sha256Of(was)), p.clear(ctx, rec))", "func() error { _ = was; return p.clear(ctx, rec) }()", ownPkg, "TestKilledAt"},
	{"what a dead run was writing stays", "bury.go", "errors.Join(p.recordLate(ctx, rec, p.complete(rec), sha256Of(was)), p.clear(ctx, rec))", "p.recordLate(ctx, rec, p.complete(rec), sha256Of(was))", ownPkg, "TestKilledAt"},
	{"what a dead run left out of the audit stays out", "bury.go", "return p.recordAs(ctx, rec, text, made, entries)", "return p.recordAs(ctx, rec, text, made, entries[:0])", ownPkg, "TestKilledAt"},
	{"a half written record stays", "bury.go", `p.state(dir, id+".json.tmp")`, `p.state(dir, id+".tmp")`, ownPkg, "TestKilledAt"},
}
