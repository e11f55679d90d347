package night

// The words of ledgers and of what a reconciliation gives, which are those of package reconcile: a test
// sees to that, so that a report rests on no operators.
const (
	colAcceptedBy    = "accepted_by"
	colAcceptedUntil = "accepted_until"
	colAgeDays       = "age_days"
	colBeforeDelta   = "before_delta"
	colBreak         = "break"
	colCause         = "cause"
	colChanged       = "changed"
	colCleared       = "cleared"
	colColumn        = "column"
	colDataset       = "dataset"
	colDelta         = "delta"
	colKey           = "key"
	colLeft          = "left"
	colLeftRows      = "left_rows"
	colLeftTotal     = "left_total"
	colNights        = "nights"
	colNth           = "nth"
	colOpened        = "opened"
	colOutcome       = "outcome"
	colOwner         = "owner"
	colPass          = "pass"
	colReason        = "reason"
	colRight         = "right"
	colRightRows     = "right_rows"
	colRightTotal    = "right_total"
	colSince         = "since"
	colState         = "state"

	matchedOutcome   = "matched"
	differentOutcome = "different"

	stateNew      = "new"
	stateOpen     = "open"
	stateChanged  = "changed"
	stateReopened = "reopened"
	stateAccepted = "accepted"
	stateCleared  = "cleared"
)

// states are those of breaks, and causes theirs in the order of reports.
var (
	states = []string{stateNew, stateOpen, stateChanged, stateReopened, stateAccepted, stateCleared}
	causes = []string{"missing", "late", "duplicate", "value", "sign", "unit", "rounding", "null_blank", "format"}
)
