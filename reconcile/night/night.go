package night

import (
	"iter"
	"time"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/totals"
)

// Version is that of the JSON of a Night.
const Version = 1

// Decimal is an exact amount, or none.
type Decimal = totals.Decimal

// Night is what there is to say of a night.
type Night struct {
	Version   int    `json:"version"`
	Pipeline  string `json:"pipeline"`
	Partition string `json:"partition"`
	// Run is the id of the run that it tells of, empty of two files; a run tried again has another.
	Run     string          `json:"run"`
	Status  pipeline.Status `json:"status"`
	Error   string          `json:"error,omitempty"`
	Started time.Time       `json:"started,omitzero"`
	Actor   string          `json:"actor,omitempty"`
	// Attention says that a person must look, and Why, a line each: the run was blocked or failed,
	// the sides don't add up, or the breaks are not known; of two files, there are breaks. New ones
	// alone are no reason: gates say how many are too many.
	Attention bool     `json:"attention"`
	Why       []string `json:"why"`
	// Dataset is the ledger of breaks; empty where there is none.
	Dataset string `json:"dataset,omitempty"`
	// Rests says what the numbers rest on, where it is not what this run published.
	Rests string `json:"rests,omitempty"`

	// Sides are the totals of both; nil where they are not on record.
	Sides *Sides `json:"sides,omitempty"`
	// Counts are those of the breaks; nil where there is no ledger to count in.
	Counts  *Counts  `json:"counts,omitempty"`
	Causes  []Cause  `json:"causes"`
	Columns []Column `json:"columns"`

	// New are the breaks that are new or reopened, by how much; Aged those that are open for more
	// than AgedDays, the oldest first; Cleared those that cleared this night; Biggest all that are
	// open, by how much.
	New      List `json:"new"`
	Aged     List `json:"aged"`
	AgedDays int  `json:"aged_days"`
	Cleared  List `json:"cleared"`
	Biggest  List `json:"biggest"`

	// Trend are the nights before, the oldest first, and last this one.
	Trend []Point `json:"trend"`
	// Gates are those that blocked, warned, or could not judge.
	Gates []Gate `json:"gates"`

	// All gives every break that is not cleared, and those that cleared this night, in the order of
	// the ledger; nil gives none. It may be called again.
	All iter.Seq2[*Break, error] `json:"-"`
	// Carried names the columns that the ledger carries on, in their order.
	Carried []string `json:"carried,omitempty"`
	// Penstock is the version of the program.
	Penstock string `json:"penstock,omitempty"`
}

// Sides are the totals of both sides of a reconciliation.
type Sides struct {
	// Amount is the column that is summed; empty where there is none.
	Amount string `json:"amount,omitempty"`
	Left   Totals `json:"left"`
	Right  Totals `json:"right"`
	// Balance says whether what was read is what came out; "unknown" where it was not counted apart.
	Balance string `json:"balance"`
	// Gap is what is missing, in words, where it is not balanced.
	Gap string `json:"gap,omitempty"`
	// Passes say which pass matched how many rows, in their order.
	Passes []Pass `json:"passes"`
}

// What Balance may be.
const (
	Balanced   = "balanced"
	Unbalanced = "unbalanced"
	Unknown    = "unknown"
)

// Totals are those of one side. All is the sum of the four, and what was read if they balance.
type Totals struct {
	Name      string      `json:"name"`
	All       totals.Side `json:"all"`
	Matched   totals.Side `json:"matched"`
	Different totals.Side `json:"different"`
	Alone     totals.Side `json:"alone"`
}

// Pass is what a pass matched.
type Pass struct {
	Name string `json:"name"`
	// Left and Right have matched, DifferentLeft and DifferentRight found each other and differ.
	Left           totals.Side `json:"left"`
	Right          totals.Side `json:"right"`
	DifferentLeft  totals.Side `json:"different_left"`
	DifferentRight totals.Side `json:"different_right"`
}

// Counts count breaks.
type Counts struct {
	// New, Open, Changed, Reopened and Accepted are states; Cleared counts those that cleared this
	// night.
	New      int64 `json:"new"`
	Open     int64 `json:"open"`
	Changed  int64 `json:"changed"`
	Reopened int64 `json:"reopened"`
	Accepted int64 `json:"accepted"`
	Cleared  int64 `json:"cleared"`
	// Delta is the sum of |delta| of those that are not accepted or cleared; of rows of one side alone
	// and of the amount, for days and cents have no sum.
	Delta Decimal `json:"delta,omitzero"`
}

// Standing are those that are open in whatever state.
func (c *Counts) Standing() int64 { return c.New + c.Open + c.Changed + c.Reopened }

// Fresh are those that nobody knows yet.
func (c *Counts) Fresh() int64 { return c.New + c.Reopened }

// Cause counts the breaks of a cause.
type Cause struct {
	Cause string `json:"cause"`
	Counts
}

// Column counts the breaks of a column; of rows of one side alone it is empty.
type Column struct {
	Column string `json:"column"`
	// Unit is what deltas are where the column has dates or times.
	Unit string `json:"unit,omitempty"`
	Counts
}

// List is the first few of some breaks, and how many there are.
type List struct {
	Total  int64    `json:"total"`
	Breaks []*Break `json:"breaks"`
}

// More is how many are left out.
func (l List) More() int64 { return l.Total - int64(len(l.Breaks)) }

// Break is a row of the ledger.
type Break struct {
	ID      string `json:"break"`
	Key     string `json:"key"`
	Nth     int64  `json:"nth"`
	Column  string `json:"column,omitempty"`
	Cause   string `json:"cause"`
	Outcome string `json:"outcome"`
	State   string `json:"state"`
	Opened  string `json:"opened,omitempty"`
	Since   string `json:"since,omitempty"`
	Cleared string `json:"cleared,omitempty"`
	Nights  int64  `json:"nights"`
	// AgeDays is null where partitions are not windows of time.
	AgeDays *int64 `json:"age_days"`
	// Left and Right are the values as texts; null is null.
	Left        *string `json:"left"`
	Right       *string `json:"right"`
	Delta       Decimal `json:"delta,omitzero"`
	BeforeDelta Decimal `json:"before_delta,omitzero"`
	// Unit is what the delta is, where it is no number of the column: days, seconds.
	Unit          string `json:"unit,omitempty"`
	Owner         string `json:"owner,omitempty"`
	Reason        string `json:"reason,omitempty"`
	AcceptedBy    string `json:"accepted_by,omitempty"`
	AcceptedUntil string `json:"accepted_until,omitempty"`
	// Carried are the values of Night.Carried.
	Carried []string `json:"carried,omitempty"`
}

// Point is a night of the trend. What is not on record is null.
type Point struct {
	Partition string   `json:"partition"`
	Share     *float64 `json:"matched_share"` // of the rows of both sides, 0 to 1
	Open      *int64   `json:"open"`
	New       *int64   `json:"new"` // and reopened
	Cleared   *int64   `json:"cleared"`
	Delta     Decimal  `json:"delta,omitzero"`
}

// Gate is a finding that a person may want to see.
type Gate struct {
	Stage    string           `json:"stage"`
	Name     string           `json:"name"`
	Verdict  pipeline.Verdict `json:"verdict"`
	Blocks   bool             `json:"blocks"`
	Observed string           `json:"observed,omitempty"`
	Expected string           `json:"expected,omitempty"`
	At       string           `json:"at,omitempty"` // place in the pipeline file
	Approved string           `json:"approved_by,omitempty"`
}

// MatchedRows gives the share of the rows of both sides that matched, as a ratio.
func (s *Sides) MatchedRows() (matched, all int64) {
	return s.Left.Matched.Rows + s.Right.Matched.Rows, s.Left.All.Rows + s.Right.All.Rows
}

// MatchedAmount is the share of the amounts of both sides that matched; false where a share says
// nothing, for amounts of both signs cancel out.
func (s *Sides) MatchedAmount() (share float64, ok bool) {
	matched, all := s.Left.Matched.Total.Add(s.Right.Matched.Total), s.Left.All.Total.Add(s.Right.All.Total)
	for _, t := range []Totals{s.Left, s.Right} {
		for _, part := range []totals.Side{t.Matched, t.Different, t.Alone} {
			if part.Total.Sign()*all.Sign() < 0 {
				return 0, false
			}
		}
	}
	if matched.IsZero() || all.Sign() == 0 {
		return 0, false
	}
	return matched.Over(all), true
}
