package pipeline

import "time"

// Release says, in the manifest of a version, that it was made of the version before and of
// rows that this one had quarantined, by a person who has looked at them.
type Release struct {
	// Version is the one before.
	Version int64 `json:"version"`
	// Rules are the names of rules: rows were released that had broken no others. Empty: all.
	Rules []string `json:"rules,omitempty"`
	// Rows is how many quarantined rows went through the gates again; Kept how many were left
	// in quarantine.
	Rows int64 `json:"rows"`
	Kept int64 `json:"kept"`
	// Corrected is the file with what took the place of the rows; nil: they went as they were.
	Corrected *File `json:"corrected,omitempty"`
	// Waived are the rules that put no row aside this time.
	Waived []Waiver `json:"waived,omitempty"`
	// Lapsed are the rules that were waived for the version before, and not for this one:
	// published rows that break them went back to quarantine.
	Lapsed []string `json:"lapsed,omitempty"`

	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
}

// Waiver is a rule that quarantines rows, and this time only warned of them.
type Waiver struct {
	Rule string `json:"rule"`
	// Rows is how many published rows break it.
	Rows int64 `json:"rows"`
}

// Undone is a release that was lost: a run computed the partition from its inputs again, and
// published a version without it.
type Undone struct {
	Dataset   string `json:"dataset"`
	Partition string `json:"partition"`
	// Version is the one that the release had made.
	Version int64   `json:"version"`
	Release Release `json:"release"`
}

// Rollback says, in the manifest of a version, that it has the files of an earlier one, which
// somebody made current again.
type Rollback struct {
	// From is the version that was current, To the one whose files these are.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Run is the run that rolled back; that of the manifest made the files.
	Run string `json:"run"`

	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
}
