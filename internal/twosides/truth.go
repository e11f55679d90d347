package twosides

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
)

// Row is a row of what a reconciliation ought to give.
type Row struct {
	Outcome, Pass, Key, Column, Cause string
	Delta                             Number
	Rows                              [2]int64
	Totals                            [2]Number
}

// Number is a number in ten-thousandths, or none.
type Number struct {
	Units int64
	Valid bool
}

// scale is how many units of a Number are one.
const scale = 10_000

func number(units int64) Number { return Number{units, true} }

func (n Number) String() string {
	if !n.Valid {
		return "-"
	}
	return big.NewRat(n.Units, scale).FloatString(4)
}

// What says of a row what identifies it: everything but what it accounts for.
func (r Row) What() string {
	return fmt.Sprintf("%s %q key %s column %q cause %q delta %s", r.Outcome, r.Pass, r.Key, r.Column, r.Cause, r.Delta)
}

// Account is what the rows of an outcome, a pass and a key account for together.
type Account struct {
	Rows   [2]int64
	Totals [2]int64 // units
}

// Accounts adds up what rows account for, by outcome, pass and key; of matches by the pass alone.
func Accounts(rows []Row) map[string]Account {
	all := map[string]Account{}
	for _, r := range rows {
		where := r.Outcome + " " + r.Pass + " " + r.Key
		if r.Outcome == "matched" {
			where = r.Outcome + " " + r.Pass
		}
		a := all[where]
		for side := range 2 {
			a.Rows[side] += r.Rows[side]
			a.Totals[side] += r.Totals[side].Units
		}
		if a != (Account{}) {
			all[where] = a
		}
	}
	return all
}

// Breaks are the rows that do not match, as What says them, in order.
func Breaks(rows []Row) (all []string) {
	for _, r := range rows {
		if r.Outcome != "matched" {
			all = append(all, r.What())
		}
	}
	slices.Sort(all)
	return all
}

// Mirrored is the truth with the sides swapped.
func Mirrored(rows []Row) (all []Row) {
	other := map[string]string{"only_left": "only_right", "only_right": "only_left"}
	for _, r := range rows {
		r.Outcome = cmp.Or(other[r.Outcome], r.Outcome)
		r.Delta.Units = -r.Delta.Units
		slices.Reverse(r.Rows[:])
		slices.Reverse(r.Totals[:])
		all = append(all, r)
	}
	return all
}
