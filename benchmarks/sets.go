package main

import "fmt"

// pair is the same in CEL and in SQL; a rule may allow a share of the rows to break it.
type pair struct {
	cel, sql string
	atMost   float64
}

// named is a derived column.
type named struct {
	name string
	pair
}

// dataSet is what the scenarios do with a file.
type dataSet struct {
	label string
	// rules are nine row rules; sum is the column whose sum is the tenth.
	rules []pair
	sum   string
	// keep is the filter, derived the columns, kept the rules of what is left.
	keep    pair
	derived []named
	kept    []pair
	// extra is the column of add-column; key a column of 64-bit integers.
	extra named
	key   string
}

var dataSets = map[string]dataSet{
	"lineitem": {
		label: "generated lineitem",
		rules: []pair{
			same(`l_orderkey >= 0`),
			same2(`l_quantity >= 1.0 && l_quantity <= 50.0`, `l_quantity BETWEEN 1.0::DOUBLE AND 50.0::DOUBLE`),
			same2(`l_extendedprice > 0.0`, `l_extendedprice > 0.0::DOUBLE`),
			same2(`l_discount >= 0.0 && l_discount <= 0.1`, `l_discount BETWEEN 0.0::DOUBLE AND 0.1::DOUBLE`),
			same2(`l_tax >= 0.0 && l_tax <= 0.08`, `l_tax BETWEEN 0.0::DOUBLE AND 0.08::DOUBLE`),
			same2(`l_returnflag in ["A", "N", "R"]`, `l_returnflag IN ('A', 'N', 'R')`),
			same2(`l_shipmode in ["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]`,
				`l_shipmode IN ('REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB')`),
			same(`l_receiptdate > l_shipdate`),
			same2(`l_shipdate >= "1992-01-01"`, `l_shipdate >= DATE '1992-01-01'`),
		},
		sum:  "l_extendedprice",
		keep: same2(`l_quantity <= 25.0`, `l_quantity <= 25.0::DOUBLE`),
		derived: []named{
			{"revenue", same2(`l_extendedprice * (1.0 - l_discount)`, `l_extendedprice * (1.0::DOUBLE - l_discount)`)},
			{"late", same(`l_receiptdate > l_commitdate`)},
		},
		kept: []pair{
			same2(`revenue > 0.0`, `revenue > 0.0::DOUBLE`),
			same2(`l_quantity <= 25.0`, `l_quantity <= 25.0::DOUBLE`),
			same2(`l_linestatus in ["F", "O"]`, `l_linestatus IN ('F', 'O')`),
		},
		extra: named{"revenue", same2(`l_extendedprice * (1.0 - l_discount)`, `l_extendedprice * (1.0::DOUBLE - l_discount)`)},
		key:   "l_orderkey",
	},
	"flights": {
		label: "real flights",
		rules: []pair{
			same(`distance > 0`),
			same(`distance < 6000`),
			{`delay >= -60 && delay <= 720`, `delay BETWEEN -60 AND 720`, 0.01},
			same(`delay < 2000`),
			same2(`origin != destination`, `origin <> destination`),
			same2(`origin.matches("^[A-Z0-9]{3}$")`, `regexp_full_match(origin, '[A-Z0-9]{3}')`),
			same2(`destination.matches("^[A-Z0-9]{3}$")`, `regexp_full_match(destination, '[A-Z0-9]{3}')`),
			same2(`date >= "2001-01-01"`, `date >= TIMESTAMP '2001-01-01'`),
			same2(`date < "2001-07-02"`, `date < TIMESTAMP '2001-07-02'`),
		},
		sum:  "distance",
		keep: same(`distance > 600`),
		derived: []named{
			{"late", same(`delay > 15`)},
			{"hour", same(`hour(date)`)},
		},
		kept: []pair{
			same(`distance < 6000`),
			same(`hour >= 0`),
			same2(`origin != destination`, `origin <> destination`),
		},
		extra: named{"late", same(`delay > 15`)},
		key:   "distance",
	},
}

// same is what is written alike in both.
func same(text string) pair { return pair{cel: text, sql: text} }

func same2(cel, sql string) pair { return pair{cel: cel, sql: sql} }

// set is the data set of a job.
func (j job) set() (dataSet, error) {
	s, ok := dataSets[j.Set]
	if !ok {
		return s, fmt.Errorf("there is no data set %q", j.Set)
	}
	return s, nil
}
