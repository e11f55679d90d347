package lineage

import (
	"slices"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Made is what the graph keeps of a version: its manifest without schema, metrics and findings. It
// is a tenth of it, so that an index reads many.
type Made struct {
	Dataset   string `json:"-"`
	Partition string `json:"-"`
	Version   int64  `json:"-"`

	Pipeline string `json:"pipeline,omitempty"`
	Stage    string `json:"stage,omitempty"`
	// Stages are those it was made by: Stage, and those without output before it.
	Stages []string `json:"stages,omitempty"`
	// Code is the fingerprint of them.
	Code string `json:"code,omitempty"`

	Run       string    `json:"run,omitempty"`
	Actor     string    `json:"actor,omitempty"`
	Published time.Time `json:"published,omitzero"`
	Rows      int64     `json:"rows,omitempty"`
	Bytes     int64     `json:"bytes,omitempty"`
	// Seconds is how long its stages took.
	Seconds float64 `json:"seconds,omitempty"`

	// Files are those of the data, with path, bytes, rows and digest; Data is the digest over them.
	Files []pipeline.File `json:"files,omitempty"`
	Data  string          `json:"data,omitempty"`

	// Rollback, Judged and Released are versions: the one whose files were made current again, whose
	// data was only judged again, to which quarantined rows were added. 0: nothing of the kind.
	Rollback int64 `json:"rollback,omitempty"`
	Judged   int64 `json:"judged,omitempty"`
	Released int64 `json:"released,omitempty"`
	// Approved names the gates that the version, or what it was made of, did not pass, and
	// somebody approved of.
	Approved []string `json:"approved,omitempty"`

	// Inputs are what was read.
	Inputs []Node `json:"-"`
	// SameAt is when the last run began that computed the version again, if from other inputs: what
	// came out was the same, so that there is no new version. Same are what it read that is not
	// among Inputs, and Without those of Inputs that it did without: whose data it did not read as
	// another version either. Both are sorted.
	SameAt  time.Time `json:"same_at,omitzero"`
	Same    []Node    `json:"-"`
	Without []Node    `json:"-"`
}

// Of is what the graph keeps of a manifest.
func Of(m *pipeline.Manifest) *Made {
	made := &Made{
		Dataset: m.Dataset, Partition: m.Partition, Version: m.Version,
		Pipeline: m.Pipeline, Stage: m.Stage, Code: m.Code, Run: m.Run, Actor: m.Actor, Published: m.Published.UTC(), Rows: m.Rows,
		Data: m.DataDigest(), Judged: m.Judged, Approved: m.ApprovedGates(),
	}
	for _, f := range m.Files {
		made.Bytes += f.Bytes
		made.Files = append(made.Files, pipeline.File{Path: f.Path, Bytes: f.Bytes, Rows: f.Rows, SHA256: f.SHA256})
	}
	for _, s := range m.Stages {
		made.Stages = append(made.Stages, s.Name)
		made.Seconds += s.Seconds
	}
	if m.Rollback != nil {
		made.Rollback, made.Run, made.Actor = m.Rollback.To, m.Rollback.Run, m.Rollback.Actor
	}
	if m.Release != nil {
		made.Released = m.Release.Version
	}
	made.Inputs = nodesOf(m.Inputs)
	return made
}

// CameAgain notes what a version that was made of some inputs was computed from again, by a run that
// began at a time. Of what nothing was computed for it says nothing.
func (m *Made) CameAgain(was, now []pipeline.InputRecord, at time.Time) {
	if m.Released != 0 || m.Rollback != 0 {
		return
	}
	before, after, data := sorted(nodesOf(was)), sorted(nodesOf(now)), map[Node]bool{}
	for _, in := range now {
		data[dataOf(in)] = true
	}
	m.Same = slices.DeleteFunc(slices.Clone(after), func(n Node) bool { return has(before, n) })
	m.Without = nil
	for _, in := range was {
		for _, n := range inputNodes(in) {
			if !has(after, n) && (in.Data == "" || !data[dataOf(in)]) {
				m.Without = append(m.Without, n)
			}
		}
	}
	m.Without = sorted(m.Without)
	if len(m.Same)+len(m.Without) > 0 {
		m.SameAt = at
	}
}

// Sort brings Same and Without in order, once all of them are there.
func (m *Made) Sort() { m.Same, m.Without = sorted(m.Same), sorted(m.Without) }

// dataOf stands for the data of a published input, whatever the version.
func dataOf(in pipeline.InputRecord) Node {
	return Node{Dataset: in.Dataset, Partition: in.Partition, SHA256: in.Data}
}

func sorted(nodes []Node) []Node {
	return slices.Compact(slices.SortedFunc(slices.Values(nodes), compare))
}

// has reports whether a node is among sorted ones.
func has(nodes []Node, n Node) bool {
	_, ok := slices.BinarySearchFunc(nodes, n, compare)
	return ok
}

// cameBy reports whether a version was computed again by a time. A zero time is now.
func (m *Made) cameBy(at time.Time) bool {
	return m != nil && !m.SameAt.IsZero() && (at.IsZero() || !m.SameAt.After(at))
}

func nodesOf(inputs []pipeline.InputRecord) (all []Node) {
	for _, in := range inputs {
		all = append(all, inputNodes(in)...)
	}
	return all
}

// Node is the node of the version.
func (m *Made) Node() Node {
	return Node{Dataset: m.Dataset, Partition: m.Partition, Version: m.Version}
}

func inputNodes(in pipeline.InputRecord) []Node {
	if in.Missing {
		return nil
	}
	if in.Dataset != "" {
		return []Node{{Dataset: in.Dataset, Partition: in.Partition, Version: in.Version}}
	}
	var nodes []Node
	for _, f := range in.Files {
		nodes = append(nodes, Node{File: f.Path, SHA256: f.SHA256})
	}
	return nodes
}
