package lineage

import (
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
	for _, in := range m.Inputs {
		made.Inputs = append(made.Inputs, inputNodes(in)...)
	}
	return made
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
