package lineage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// CauseKind says what sort of thing is not as it was.
type CauseKind string

// The kinds of causes, the first that explain most.
const (
	CauseRollback  CauseKind = "rollback"
	CauseRelease   CauseKind = "release"
	CauseFile      CauseKind = "file"    // of an input
	CauseVersion   CauseKind = "version" // of a published input
	CauseSource    CauseKind = "source"  // which files an input is of, and how they are read
	CauseCode      CauseKind = "code"    // of a stage
	CauseParameter CauseKind = "parameter"
	CauseGates     CauseKind = "gates" // of a stage
	CauseApproval  CauseKind = "approval"
	CauseProgram   CauseKind = "penstock" // another version of it
	CauseCommit    CauseKind = "commit"
)

// Cause is a difference between what two versions were made of, or how.
type Cause struct {
	Kind CauseKind `json:"kind"`
	// Input is the name of the input, for files, versions and sources.
	Input string `json:"input,omitempty"`
	// Name is the file, the published partition, the stage or the parameter.
	Name string `json:"name,omitempty"`
	// Before and After are digests, versions, values, as text; empty where there was nothing.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Note is what a person said, or why it can't be told what of a version differs.
	Note string `json:"note,omitempty"`
	// Explains says that other data may come of it.
	Explains bool `json:"explains"`
	// Because is what differs between the versions of a published input.
	Because []Cause `json:"because,omitempty"`
}

// Find gives the manifest of a version that was read, or nil where it is not known any more.
type Find func(in pipeline.InputRecord) *pipeline.Manifest

// Explain tells what differs between what two versions were made of, and how: of published inputs
// up to where it began.
func Explain(was, now *pipeline.Manifest, find Find) []Cause {
	return (&explainer{find: find, seen: map[[2]string]bool{}}).explain(was, now)
}

type explainer struct {
	find Find
	seen map[[2]string]bool // of pairs of versions: by their digests
	all  []Cause
}

func (x *explainer) explain(was, now *pipeline.Manifest) []Cause {
	one := &explainer{find: x.find, seen: x.seen}
	one.decisions(was, now)
	one.inputs(was, now)
	one.code(was, now)
	one.params(was, now)
	one.add(Cause{Kind: CauseProgram, Before: was.Penstock, After: now.Penstock, Explains: true})
	one.add(Cause{Kind: CauseCommit, Before: was.Commit, After: now.Commit})
	return one.all
}

// add notes a cause, unless both sides are the same.
func (x *explainer) add(c Cause) {
	if c.Before != c.After {
		x.all = append(x.all, c)
	}
}

// decisions are what people did: a rollback, a release, an approval.
func (x *explainer) decisions(was, now *pipeline.Manifest) {
	if r := now.Rollback; r != nil && (was.Rollback == nil || *was.Rollback != *r) {
		x.add(Cause{
			Kind: CauseRollback, Name: ref(now), Before: versionText(r.From), After: versionText(r.To),
			Note: note(r.Reason, r.Actor), Explains: true,
		})
	}
	for i, m := range []*pipeline.Manifest{was, now} {
		other := []*pipeline.Manifest{now, was}[i].Release
		if m.Release == nil || other != nil && other.At.Equal(m.Release.At) {
			continue
		}
		c := Cause{Kind: CauseRelease, Name: ref(m), Note: note(m.Release.Reason, m.Release.Actor), Explains: true}
		*[]*string{&c.Before, &c.After}[i] = "rows were released from quarantine"
		x.add(c)
	}
	before, after := fmt.Sprint(was.ApprovedGates()), fmt.Sprint(now.ApprovedGates())
	x.add(Cause{Kind: CauseApproval, Name: ref(now), Before: before, After: after})
}

func note(reason, actor string) string { return fmt.Sprintf("%s (%s)", reason, actor) }

func ref(m *pipeline.Manifest) string { return m.Dataset + "@" + m.Partition }

func versionText(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("v%d", n)
}

// inputs compares what was read.
func (x *explainer) inputs(was, now *pipeline.Manifest) {
	old, young := byName(was), byName(now)
	for _, name := range union(old, young) {
		x.source(name, old[name], young[name], was.Partition == now.Partition)
		x.files(name, old[name], young[name])
		x.versions(name, old[name], young[name])
	}
}

func byName(m *pipeline.Manifest) map[string][]pipeline.InputRecord {
	all := map[string][]pipeline.InputRecord{}
	for _, in := range m.Inputs {
		all[in.Name] = append(all[in.Name], in)
	}
	return all
}

// union gives the keys of two maps, sorted.
func union[V any](a, b map[string]V) []string {
	all := slices.Collect(maps.Keys(a))
	return slices.Compact(slices.Sorted(slices.Values(slices.AppendSeq(all, maps.Keys(b)))))
}

// source says that an input is read otherwise, where that is not just for another partition.
func (x *explainer) source(name string, was, now []pipeline.InputRecord, same bool) {
	if len(was) > 0 && len(now) > 0 && same {
		x.add(Cause{Kind: CauseSource, Input: name, Name: name, Before: was[0].Source, After: now[0].Source, Explains: true})
	}
}

// files compares the files of an input. One that has the bytes of another, and its place, is
// nothing new.
func (x *explainer) files(name string, was, now []pipeline.InputRecord) {
	old, young := filesOf(was), filesOf(now)
	for _, path := range union(old, young) {
		c := Cause{Kind: CauseFile, Input: name, Name: path, Before: old[path].SHA256, After: young[path].SHA256, Explains: true}
		if other := namesake(c.Before, young, old); c.After == "" && other != "" {
			c.Note, c.Explains = "the same bytes are "+other+" now", false
		} else if other := namesake(c.After, old, young); c.Before == "" && other != "" {
			c.Note, c.Explains = "the same bytes were "+other, false
		}
		x.add(c)
	}
}

func filesOf(inputs []pipeline.InputRecord) map[string]pipeline.File {
	all := map[string]pipeline.File{}
	for _, in := range inputs {
		for _, f := range in.Files {
			all[f.Path] = f
		}
	}
	return all
}

// namesake finds a file of some bytes that is not among the others.
func namesake(sum string, files, others map[string]pipeline.File) string {
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if _, both := others[path]; !both && sum != "" && files[path].SHA256 == sum {
			return path
		}
	}
	return ""
}

// versions compares the published partitions of an input.
func (x *explainer) versions(name string, was, now []pipeline.InputRecord) {
	old, young := versionsOf(was), versionsOf(now)
	if len(old) == 1 && len(young) == 1 { // of another partition, it is still the same input
		before, after := only(old), only(young)
		x.version(name, before, after)
		return
	}
	for _, key := range union(old, young) {
		x.version(name, old[key], young[key])
	}
}

func only(m map[string]pipeline.InputRecord) (in pipeline.InputRecord) {
	for _, in = range m {
	}
	return in
}

func versionsOf(inputs []pipeline.InputRecord) map[string]pipeline.InputRecord {
	all := map[string]pipeline.InputRecord{}
	for _, in := range inputs {
		if in.Dataset != "" && !in.Missing {
			all[in.Dataset+"@"+in.Partition] = in
		}
	}
	return all
}

// version compares two versions that were read, and goes on to what they were made of.
func (x *explainer) version(name string, was, now pipeline.InputRecord) {
	if was.Manifest == now.Manifest {
		return
	}
	c := Cause{Kind: CauseVersion, Input: name, Before: versionText(was.Version), After: versionText(now.Version), Explains: was.Data != now.Data || was.Data == ""}
	c.Name = cmp.Or(now.Dataset, was.Dataset) + "@" + cmp.Or(now.Partition, was.Partition)
	if was.Dataset != "" && now.Dataset != "" && was.Partition != now.Partition {
		c.Before, c.After = was.Partition+" "+c.Before, now.Partition+" "+c.After
	}
	switch {
	case was.Dataset == "" || now.Dataset == "":
	case !c.Explains:
		c.Note = "its data is the same"
	case x.seen[[2]string{was.Manifest, now.Manifest}]:
		c.Note = "as above"
	default:
		x.seen[[2]string{was.Manifest, now.Manifest}] = true
		c.Because, c.Note = x.beyond(was, now)
	}
	x.all = append(x.all, c)
}

func (x *explainer) beyond(was, now pipeline.InputRecord) ([]Cause, string) {
	old, young := x.find(was), x.find(now)
	if old == nil || young == nil {
		gone := was
		if old != nil {
			gone = now
		}
		return nil, fmt.Sprintf("version %d of %s@%s is not kept any more: what it was made of can't be told", gone.Version, gone.Dataset, gone.Partition)
	}
	because := x.explain(old, young)
	if !slices.ContainsFunc(because, func(c Cause) bool { return c.Explains }) {
		return because, "nothing that it was made of differs: it does not come out the same each time"
	}
	return because, ""
}

// code compares the stages.
func (x *explainer) code(was, now *pipeline.Manifest) {
	old, young := stagesOf(was), stagesOf(now)
	aside := len(was.Quarantine) > 0 || len(now.Quarantine) > 0
	for _, name := range union(old, young) {
		before, after := old[name], young[name]
		x.add(Cause{Kind: CauseCode, Name: name, Before: before.Code, After: after.Code, Explains: true})
		x.add(Cause{Kind: CauseGates, Name: name, Before: before.Gates, After: after.Gates, Explains: aside})
	}
}

func stagesOf(m *pipeline.Manifest) map[string]pipeline.StageRecord {
	all := map[string]pipeline.StageRecord{}
	for _, s := range m.Stages {
		all[s.Name] = s
	}
	return all
}

func (x *explainer) params(was, now *pipeline.Manifest) {
	for _, name := range union(was.Params, now.Params) {
		x.add(Cause{Kind: CauseParameter, Name: name, Before: was.Params[name], After: now.Params[name], Explains: true})
	}
}
