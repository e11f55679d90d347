package lineage

import (
	"cmp"
	"fmt"
	"strings"
)

// Node is a thing that data goes through. Of partitions and files it is a version of a partition,
// or a file with its digest; of datasets and stages it is a dataset, a stage or a source. Kind tells
// which, by the fields that are set.
type Node struct {
	Dataset   string `json:"dataset,omitempty"`
	Partition string `json:"partition,omitempty"`
	Version   int64  `json:"version,omitempty"`

	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`

	Pipeline string `json:"pipeline,omitempty"`
	Stage    string `json:"stage,omitempty"`

	// Source is the text of a source, as manifests have it.
	Source string `json:"source,omitempty"`
}

// Kind is what a node is.
type Kind string

// The kinds of nodes.
const (
	VersionKind Kind = "version"
	FileKind    Kind = "file"
	DatasetKind Kind = "dataset"
	StageKind   Kind = "stage"
	SourceKind  Kind = "source"
)

// Kind tells what the node is.
func (n Node) Kind() Kind {
	switch {
	case n.File != "":
		return FileKind
	case n.Source != "":
		return SourceKind
	case n.Stage != "":
		return StageKind
	case n.Version == 0 && n.Partition == "":
		return DatasetKind
	}
	return VersionKind
}

// String is how people write the node: "warehouse/clean@2001-01 v2", the path of the file, or the
// name of the dataset, stage or source.
func (n Node) String() string {
	switch n.Kind() {
	case FileKind:
		return n.File
	case SourceKind:
		return shortSource(n.Source)
	case StageKind:
		return fmt.Sprintf("stage %s of %s", n.Stage, n.Pipeline)
	case DatasetKind:
		return n.Dataset
	}
	return fmt.Sprintf("%s@%s v%d", n.Dataset, n.Partition, n.Version)
}

// short is the node as it can be asked for: a file with the beginning of its digest.
func (n Node) short() string {
	if n.Kind() == FileKind && len(n.SHA256) > 12 {
		return n.File + "#" + n.SHA256[:12]
	}
	return n.String()
}

// shortSource is the text of a source up to its options: "csv data/airports.csv".
func shortSource(text string) string {
	for _, option := range []string{" schema ", " partition_by ", " in "} {
		text, _, _ = strings.Cut(text, option)
	}
	return text
}

// order says which of two nodes comes first: files first, then datasets with their partitions and versions. Nearly all
// are told apart by the first that differs, so the rest is not looked at.
func order(a, b *Node) int {
	if c := strings.Compare(a.Dataset, b.Dataset); c != 0 {
		return c
	}
	if c := strings.Compare(a.Partition, b.Partition); c != 0 {
		return c
	}
	if a.Version != b.Version {
		return cmp.Compare(a.Version, b.Version)
	}
	if c := strings.Compare(a.File, b.File); c != 0 {
		return c
	}
	return cmp.Or(
		strings.Compare(a.SHA256, b.SHA256), strings.Compare(a.Pipeline, b.Pipeline),
		strings.Compare(a.Stage, b.Stage), strings.Compare(a.Source, b.Source),
	)
}

func compare(a, b Node) int { return order(&a, &b) }
