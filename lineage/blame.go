package lineage

import (
	"reflect"
	"slices"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// ColumnBlame says of a column of a version where it comes from, up to files.
type ColumnBlame struct {
	Dataset   string `json:"dataset"`
	Partition string `json:"partition"`
	Version   int64  `json:"version"`
	Column    string `json:"column"`
	Pipeline  string `json:"pipeline"`
	Stage     string `json:"stage"`
	// By are the operators that made it, first to last.
	By       []pipeline.ColumnStep `json:"by,omitempty"`
	Unknown  string                `json:"unknown,omitempty"`
	Tags     []string              `json:"tags,omitempty"`
	Untagged []pipeline.Untagged   `json:"untagged,omitempty"`
	// Since is the version with which the column, or a stage that computes it, became what it is.
	Since Definition `json:"since"`
	// From are the columns it comes from, and RowsBy those that decide its rows.
	From        []BlamedOrigin `json:"from,omitempty"`
	RowsBy      []BlamedOrigin `json:"rows_by,omitempty"`
	RowsUnknown string         `json:"rows_unknown,omitempty"`
}

// Definition is a version from which on a column is made as it is.
type Definition struct {
	Version   int64     `json:"version"`
	Code      string    `json:"code"` // of the last stage that makes it, or hands it on
	Run       string    `json:"run"`
	Actor     string    `json:"actor"`
	Commit    string    `json:"commit,omitempty"`
	Published time.Time `json:"published"`
	// Oldest says that no older version is on record.
	Oldest bool `json:"oldest,omitempty"`
}

// BlamedOrigin is a column of an input.
type BlamedOrigin struct {
	pipeline.ColumnOrigin
	// Source and Files are set of an input from outside.
	Source string   `json:"source,omitempty"`
	Files  []string `json:"files,omitempty"`
	// Dataset, Partition and Version are set of a published input, of several partitions the
	// last, and Partitions is how many they are, if they are several.
	Dataset    string `json:"dataset,omitempty"`
	Partition  string `json:"partition,omitempty"`
	Version    int64  `json:"version,omitempty"`
	Partitions int    `json:"partitions,omitempty"`
	// Blame is what is known of a published column; nil where its manifest is gone, or where
	// the column stands in the answer before (Seen).
	Blame *ColumnBlame `json:"blame,omitempty"`
	Seen  bool         `json:"seen,omitempty"`
}

// Blame says where a column of a version comes from. manifests are all that are on record; nil
// is the answer if the version, or the column, is not among them.
func Blame(manifests []*pipeline.Manifest, n Node, column string) *ColumnBlame {
	b := &blamer{made: map[Node]*pipeline.Manifest{}, seen: map[blamed]bool{}}
	for _, m := range manifests {
		b.made[Node{Dataset: m.Dataset, Partition: m.Partition, Version: m.Version}] = m
	}
	return b.column(n, column)
}

type blamed struct {
	Node
	column string
}

type blamer struct {
	made map[Node]*pipeline.Manifest
	seen map[blamed]bool
}

func (b *blamer) column(n Node, column string) *ColumnBlame {
	m := b.made[n]
	if m == nil || !slices.ContainsFunc(m.Schema, func(f pipeline.SchemaField) bool { return f.Name == column }) {
		return nil
	}
	b.seen[blamed{n, column}] = true
	l := columnOf(m, column)
	out := &ColumnBlame{
		Dataset: m.Dataset, Partition: m.Partition, Version: m.Version, Column: column, Pipeline: m.Pipeline, Stage: m.Stage,
		By: l.By, Unknown: l.Unknown, Tags: l.Tags, Untagged: l.Untagged, Since: b.since(m, column), RowsUnknown: m.RowsUnknown,
	}
	for _, o := range l.From {
		out.From = append(out.From, b.origin(m, o, true))
	}
	for _, o := range m.RowsBy {
		out.RowsBy = append(out.RowsBy, b.origin(m, o, false))
	}
	return out
}

// columnOf is what a manifest says of a column.
func columnOf(m *pipeline.Manifest, column string) pipeline.ColumnLineage {
	for _, c := range m.Columns {
		if c.Column == column {
			return c
		}
	}
	return pipeline.ColumnLineage{Column: column, Unknown: NotRecorded}
}

// origin finds what an input is; further tells whether to look beyond it.
func (b *blamer) origin(m *pipeline.Manifest, o pipeline.ColumnOrigin, further bool) BlamedOrigin {
	out := BlamedOrigin{ColumnOrigin: o}
	for _, in := range m.Inputs {
		if in.Name != o.Input || in.Missing {
			continue
		}
		out.Source, out.Dataset, out.Partition, out.Version = in.Source, in.Dataset, in.Partition, in.Version
		out.Partitions++
		for _, f := range in.Files {
			out.Files = append(out.Files, f.Path)
		}
	}
	if out.Partitions <= 1 {
		out.Partitions = 0
	}
	if out.Dataset == "" || !further {
		return out
	}
	n := Node{Dataset: out.Dataset, Partition: out.Partition, Version: out.Version}
	if out.Seen = b.seen[blamed{n, o.Column}]; !out.Seen {
		out.Blame = b.column(n, o.Column)
	}
	return out
}

// since goes back over the versions of the partition while the column is made as it is now.
func (b *blamer) since(m *pipeline.Manifest, column string) Definition {
	at, oldest := m, false
	for {
		before := b.made[Node{Dataset: m.Dataset, Partition: m.Partition, Version: at.Version - 1}]
		if oldest = before == nil; oldest || !sameDefinition(before, m, column) {
			break
		}
		at = before
	}
	stage := m.Stage
	if by := columnOf(m, column).By; len(by) > 0 {
		stage = by[len(by)-1].Stage
	}
	return Definition{
		Version: at.Version, Code: codeOf(m, stage), Run: at.Run, Actor: at.Actor, Commit: at.Commit, Published: at.Published,
		Oldest: oldest,
	}
}

// sameDefinition reports whether two versions have the column of the same columns, by the same
// operators, in stages of the same code.
func sameDefinition(a, b *pipeline.Manifest, column string) bool {
	x, y := columnOf(a, column), columnOf(b, column)
	if x.Unknown != y.Unknown || !slices.Equal(x.From, y.From) || !reflect.DeepEqual(x.By, y.By) {
		return false
	}
	for _, step := range x.By {
		if codeOf(a, step.Stage) != codeOf(b, step.Stage) {
			return false
		}
	}
	return x.Unknown == "" || codeOf(a, a.Stage) == codeOf(b, b.Stage)
}

// codeOf is the fingerprint of what a stage does.
func codeOf(m *pipeline.Manifest, stage string) string {
	for _, s := range m.Stages {
		if s.Name == stage && s.Code != "" {
			return s.Code
		}
	}
	return m.Code
}
