// Package words has the names of what reconcile gives and of what a ledger of breaks has: columns,
// outcomes, causes and states. It imports nothing.
package words

// The columns of what Reconcile gives, besides the key columns, left_ and right_ columns of what
// was compared, and those carried on.
const (
	ColOutcome    = "outcome"     // utf8: one of the outcomes
	ColPass       = "pass"        // utf8: the pass that paired it; null of one side alone
	ColKey        = "key"         // utf8: the canonical key
	ColNth        = "nth"         // int32: which of several with the same outcome, key, column and cause, from 1
	ColColumn     = "column"      // utf8: the column that differs
	ColCause      = "cause"       // utf8: one of the causes; null of what matches
	ColLeft       = "left"        // utf8: the left value of that column
	ColRight      = "right"       // utf8: the right one
	ColDelta      = "delta"       // decimal: left - right
	ColLeftRows   = "left_rows"   // int64: how many rows of the left it accounts for
	ColRightRows  = "right_rows"  // int64: of the right
	ColLeftTotal  = "left_total"  // the amounts of those rows
	ColRightTotal = "right_total" // of the right
)

// Outcomes.
const (
	Matched   = "matched"
	Different = "different"
	OnlyLeft  = "only_left"
	OnlyRight = "only_right"
)

// Causes of a break.
const (
	Rounding  = "rounding"   // the same, rounded to the places of the coarser
	Late      = "late"       // one side alone, near the end of the partition
	Missing   = "missing"    // one side alone
	Duplicate = "duplicate"  // one side has the key more often
	Sign      = "sign"       // left = -right
	Unit      = "unit"       // a power of ten apart
	NullBlank = "null_blank" // null against blank
	Format    = "format"     // the same in other clothes
	Value     = "value"      // none of these
)

// Causes are all of them, in the order of reports.
var Causes = []string{Missing, Late, Duplicate, Value, Sign, Unit, Rounding, NullBlank, Format}

// The columns of a ledger of breaks, besides key, nth, column, cause, outcome, left, right and
// delta, which are those above, and those carried on.
const (
	ColBreak         = "break"          // utf8: its id
	ColDataset       = "dataset"        // utf8: what was reconciled
	ColState         = "state"          // utf8: one of the states
	ColOpened        = "opened"         // utf8: the partition in which it first opened
	ColSince         = "since"          // utf8: of its last opening
	ColChanged       = "changed"        // utf8: of the last change of its values; null if never
	ColCleared       = "cleared"        // utf8: in which it cleared; null unless it did
	ColNights        = "nights"         // int32: how many partitions it has been open since then, this one included
	ColAgeDays       = "age_days"       // int32: days from since to this partition; null where those are not windows
	ColBeforeDelta   = "before_delta"   // its delta a partition before
	ColOwner         = "owner"          // utf8: who it is assigned to
	ColReason        = "reason"         // utf8: of the last decision
	ColAcceptedBy    = "accepted_by"    // utf8
	ColAcceptedUntil = "accepted_until" // utf8: the last partition, or day, for which it is accepted; null: for good
)

// States of a break.
const (
	New      = "new"
	Open     = "open"
	Changed  = "changed"
	Reopened = "reopened"
	Accepted = "accepted"
	Cleared  = "cleared"
)

// States are all of them.
var States = []string{New, Open, Changed, Reopened, Accepted, Cleared}
