package reconcile

// Options say how two sides are reconciled.
type Options struct {
	// Names are what the sides are called in messages and reports.
	Names [2]string
	// Keys name a row: at least one.
	Keys []Key
	// Columns are compared, in this order.
	Columns []Column
	// Amount is the As of the compared column whose totals must add up; empty: the first that is
	// a number, if there is one.
	Amount string
	// Passes come after the first one, in which rows with equal keys find each other one to one.
	Passes []Pass
	// Late says which rows of one side alone are late. Nil: none.
	Late *LateRule
	// Carry are columns handed on, from the left, or the right where the left has none.
	Carry []string
	// Rows gives rows that match one by one; else they are counted.
	Rows bool
}

// Key is a column of both sides that names a row.
type Key struct {
	Left, Right string // columns
	As          string // what it is called in the result; empty: Left
	// NullsEqual says that null is a key like any other; else it matches nothing.
	NullsEqual bool
	Normal
}

// Column is a column of both sides that is compared.
type Column struct {
	Left, Right string
	As          string
	// Tolerance is how far the values may be apart: a decimal. Relative is that as a share of
	// the greater one: "0.001", or "0.1%". Either may allow it. Empty: not at all.
	Tolerance, Relative string
	// Round is to how many places numbers are rounded, half away from zero, before; nil: not.
	Round *int
	// Seconds is how far times may be apart.
	Seconds float64
	Normal
}

// Normal is how a value is written anew before it is compared; in the order of the fields.
type Normal struct {
	Trim        bool
	Strip       string // RE2: what of a text is taken out
	Case        string // upper, lower; empty: as it is
	Pad         int    // zeros in front up to so many characters
	Number      bool   // a text that is a number counts as that: "007.50" is 7.5
	Decimal     string // "," or ".": what stands before the decimals in it, with thousands set apart or not; empty: a point, and nothing is set apart
	Date        string // the layout of a date or time in a text, as of Go's time package
	Zone        string // the time zone of times without one; empty: UTC
	Map         map[string]string
	BlankIsNull bool // a text without anything but white space is null
}

// Pass finds rows that belong together among those that are left.
type Pass struct {
	Name string
	// On are columns that must be equal, as "left = right" or one name; empty: the keys.
	On []string
	// Many is "left" or "right": one row of the other side stands for several of this one, whose
	// amounts add up to its own, within the tolerance of the amount. Empty: one to one.
	Many string
	// Amount is how far the amounts may be apart, a decimal; Days how far the dates in Date, a
	// column as in On.
	Amount string
	Days   int
	Date   string
}

// LateRule says that a row of one side alone is late, not missing, if its Column ("left = right"
// or one name) lies within so many days of the end of the partition, or after it.
type LateRule struct {
	Column string
	Days   int
}
