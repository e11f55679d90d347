package pipeline

import (
	"encoding/json"
	"slices"
	"time"
)

// ManifestFormat is the version of the manifest's layout.
const ManifestFormat = 1

// Manifest is the record of one version of one partition of one dataset: the only
// source of truth about it. It is written as JSON beside the data.
type Manifest struct {
	Format    int    `json:"format"`
	Pipeline  string `json:"pipeline"`
	Stage     string `json:"stage"`
	Dataset   string `json:"dataset"`   // the output's path, relative to the project
	Partition string `json:"partition"` // "2001-07", or "all"
	// Version counts the versions of the partition from 1.
	Version int64 `json:"version"`
	// Previous is the SHA-256 of the manifest of the version before: a chain.
	Previous string `json:"previous,omitempty"`

	Files      []File `json:"files"`
	Quarantine []File `json:"quarantine,omitempty"`
	// Lineage is the file that says of each row where it came from, if the stage asks for it.
	Lineage []File        `json:"lineage,omitempty"`
	Rows    int64         `json:"rows"`
	Schema  []SchemaField `json:"schema"`

	// Columns says, for each column of Schema, which columns of Inputs it comes from, and
	// RowsBy which of them decide which rows there are, and in which order. Both are nil in
	// manifests of a penstock that did not record them.
	Columns []ColumnLineage `json:"columns,omitempty"`
	RowsBy  []ColumnOrigin  `json:"rows_by,omitempty"`
	// RowsUnknown says why RowsBy may lack some; empty where it doesn't.
	RowsUnknown string `json:"rows_unknown,omitempty"`

	// Metrics are the mergeable states of the gates' metrics, and what their rules found of
	// the rows that are published, by their texts.
	Metrics  map[string]json.RawMessage `json:"metrics,omitempty"`
	Findings []Finding                  `json:"findings"`
	Inputs   []InputRecord              `json:"inputs"`
	Stages   []StageRecord              `json:"stages"`

	// Code and Gates are fingerprints of the stages this was made by, and of the
	// rules that judged it.
	Code   string            `json:"code"`
	Gates  string            `json:"gates"`
	Params map[string]string `json:"params,omitempty"`

	// Key are the columns that name a row, as the stage says, or its gates.
	Key []string `json:"key,omitempty"`
	// Always says that the version is a record of what was found: a rule of a stage that it is
	// not made of does not keep it from readers.
	Always bool `json:"always,omitempty"`
	// Release is set where quarantined rows were released, and nothing was computed.
	Release *Release `json:"release,omitempty"`
	// Judged is set where only the gates were run again: the version whose data this is.
	Judged int64 `json:"judged,omitempty"`
	// Rollback is set where an earlier version was made current again, and nothing was computed:
	// all but Version, Previous and Published is as in that version.
	Rollback *Rollback `json:"rollback,omitempty"`

	Run       string    `json:"run"`
	Actor     string    `json:"actor"`
	Command   []string  `json:"command,omitempty"`
	Commit    string    `json:"commit,omitempty"` // of git, with "+dirty" if changed
	Penstock  string    `json:"penstock"`         // the version of the program
	Published time.Time `json:"published"`
	// FourEyes says that the run asked for it: no approval by Actor holds.
	FourEyes bool `json:"four_eyes,omitempty"`
}

// SchemaField is a column of a published dataset.
type SchemaField struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // as Arrow writes it
	Nullable bool   `json:"nullable"`
}

// InputRecord is what a run read: files from outside, or a version of a partition
// that another stage published.
type InputRecord struct {
	// Name is the source's or stage's name in the pipeline.
	Name string `json:"name"`
	// Source is the text of a source, and Files are its files.
	Source string `json:"source,omitempty"`
	Files  []File `json:"files,omitempty"`
	// Dataset, Partition, Version and Manifest (its digest) name a published input.
	Dataset   string `json:"dataset,omitempty"`
	Partition string `json:"partition,omitempty"`
	Version   int64  `json:"version,omitempty"`
	Manifest  string `json:"manifest,omitempty"`
	// Data is the digest of a published input's data: see Manifest.DataDigest.
	Data string `json:"data,omitempty"`
	// Approved names the gates that a published input, or what it was made of, did not pass,
	// and somebody approved of: see Manifest.ApprovedGates.
	Approved []string `json:"approved,omitempty"`
	// Missing says that the partition was not published, and the run did without it.
	Missing bool `json:"missing,omitempty"`
}

// DataDigest is the hex SHA-256 over what readers see, the files of data: two versions with
// the same differ in nothing that a reader could tell.
func (m *Manifest) DataDigest() string { return FilesDigest(m.Files) }

// TagsInto adds the tags of the columns to those that are known, by column.
func (m *Manifest) TagsInto(tags map[string][]string) {
	for _, c := range m.Columns {
		for _, t := range c.Tags {
			if !slices.Contains(tags[c.Column], t) {
				tags[c.Column] = append(tags[c.Column], t)
			}
		}
	}
}

// StageRecord is what a stage did in a run.
type StageRecord struct {
	Name string `json:"name"`
	// Code and Gates, in a manifest, are fingerprints of what the stage does and of the rules
	// that judge it: see Stage.Fingerprints.
	Code            string `json:"code,omitempty"`
	Gates           string `json:"gates,omitempty"`
	RowsIn          int64  `json:"rows_in"`
	RowsOut         int64  `json:"rows_out"`
	RowsQuarantined int64  `json:"rows_quarantined"`
	// RowsKeptAside are those of RowsQuarantined that did not come to the gates: what a release
	// leaves in quarantine.
	RowsKeptAside int64 `json:"rows_kept_aside,omitempty"`
	// RowsFiltered were left out by operators that may leave rows out.
	RowsFiltered int64 `json:"rows_filtered"`
	// Operators are what each operator did to the number of rows, in order.
	Operators []OperatorRecord `json:"operators,omitempty"`
	// Reports are what operators say of their work at its end, each an object of its own: see
	// Reporter.
	Reports []json.RawMessage `json:"reports,omitempty"`
	Seconds float64           `json:"seconds"`
}
