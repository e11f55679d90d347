package reconcile

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

func columnsOf(t *testing.T, head string) *arrow.Schema {
	t.Helper()
	env := testEnv(t)
	b := table(t, env.Alloc, head, nil)
	defer b.Release()
	return b.Schema()
}

// All that is wrong is said at once, with the nearest name, and how to mend it.
func TestWhatIsWrongIsSaidAtOnce(t *testing.T) {
	left := columnsOf(t, "id:int64; amount:decimal(18, 2); memo:string; booked:date; flag:bool; tags:list<string>; n:int64; acct:string")
	right := columnsOf(t, "id:string; amout:decimal(18, 2); memo:string; booked:string; flag:int64; tags:list<string>; n:int64; acct:int64")
	two := 2
	for _, test := range []struct {
		name string
		o    Options
		want string
	}{
		{"nothing", Options{}, `reconcile: keys: at least one column must name a row`},
		{"misspelt", Options{Names: [2]string{"ledger", "bank"}, Keys: []Key{{Left: "idd", Right: "id"}}, Columns: []Column{{Left: "amount"}}}, `
reconcile: key idd: unknown column "idd"; did you mean "id"? (in ledger)
reconcile: column amount: unknown column "amount"; did you mean "amout"? (in bank)`},
		{"types", Options{Keys: []Key{{Left: "id"}}, Columns: []Column{{Left: "booked"}, {Left: "flag"}, {Left: "tags"}}}, `
reconcile: key id: an int64 and a string can't be compared; say number: true if the texts are numbers
reconcile: column booked: a date and a string can't be compared; say how the texts are written, like date: 2006-01-02
reconcile: column flag: a bool and an int64 can't be compared
reconcile: column tags: a list<string> can't be compared; cast it before`},
		{"normal", Options{Keys: []Key{{Left: "n", Normal: Normal{Strip: "(", Case: "title", Pad: -1, Zone: "Mars", Date: "x"}}}, Columns: []Column{
			{Left: "flag", Right: "n"}, {Left: "n", Normal: Normal{Trim: true}}, {Left: "memo", Normal: Normal{Number: true, Map: map[string]string{"a": "b"}}},
		}}, `
reconcile: key n: strip: "(" is no regular expression: error parsing regexp: missing closing ): ` + "`(`" + `
reconcile: key n: case: unknown choice "title"; known are upper, lower
reconcile: key n: pad: from 0 to 1000 characters, not -1
reconcile: key n: zone: there is no time zone "Mars"; write it like Europe/Berlin
reconcile: key n: date: "x" is no layout of a date; write how 2 January 2006, 15:04:05 looks, like 02.01.2006
reconcile: column flag: a bool and an int64 can't be compared
reconcile: column n: trim is of texts, and here are an int64 and an int64
reconcile: column memo: map: it is of texts, and does not go with number or date`},
		{"tolerances", Options{Keys: []Key{{Left: "n"}}, Columns: []Column{
			{Left: "memo", Tolerance: "1", Seconds: 2, Round: &two},
			{Left: "n", As: "m", Tolerance: "-1", Relative: "x", Seconds: 3},
			{Left: "amount", Right: "amout", Tolerance: "1%"},
			{Left: "n", As: "o", Relative: "5"},
			{Left: "n", As: "p", Relative: "100%"},
			{Left: "n", As: "q", Relative: "99%"},
			{Left: "booked", Right: "id", Seconds: 4e9, Normal: Normal{Date: "2006-01-02"}},
		}}, `
reconcile: column memo: tolerance is of numbers, and these are not; number: true reads them from texts
reconcile: column memo: round is of numbers, to -18 to 18 places
reconcile: column memo: seconds is of dates and times, and these are not; date reads them from texts
reconcile: column m: tolerance: expected a number that is not negative, found "-1"
reconcile: column m: relative: expected a number that is not negative, found "x"
reconcile: column m: seconds is of dates and times, and these are not; date reads them from texts
reconcile: column amount: tolerance: expected a number that is not negative, found "1%"
reconcile: column o: relative: expected a share of less than 1, or 100%, found "5"; 5% is 0.05
reconcile: column p: relative: expected a share of less than 1, or 100%, found "100%"; 5% is 0.05
reconcile: column booked: seconds: at most those of 36600 days, not 4e+09`},
		{"amount", Options{Keys: []Key{{Left: "n"}}, Columns: []Column{{Left: "memo"}}, Amount: "mem"}, `reconcile: amount: unknown compared column "mem"; did you mean "memo"?`},
		{"amount of texts", Options{Keys: []Key{{Left: "n"}}, Columns: []Column{{Left: "memo"}}, Amount: "memo"}, `reconcile: amount: column memo is no number`},
		{"passes", Options{Keys: []Key{{Left: "n"}}, Columns: []Column{{Left: "memo"}}, Passes: []Pass{
			{},
			{Name: "key", On: []string{"memo"}},
			{Name: "a", Days: 3},
			{Name: "b", Many: "both"},
			{Name: "c", Many: "left"},
			{Name: "d", Amount: "x"},
			{Name: "e"},
			{Name: "f", On: []string{"meno"}, Date: "memo"},
			{Name: "f", Many: "left", Amount: "1", Days: -1, Date: "booked"},
		}}, `
reconcile: passes: the pass in place 1 has no name
reconcile: pass key: there is another pass of this name; "key" is that of the keys
reconcile: pass a: days apart of which date? name its column: date: booked
reconcile: pass b: many: unknown side "both"; known are left, right
reconcile: pass c: it goes by the amount, and no compared column is one
reconcile: pass d: amount: expected a number that is not negative, found "x"
reconcile: pass d: it goes by the amount, and no compared column is one
reconcile: pass e: it says nothing of amounts, dates or other columns, and so finds what the keys found
reconcile: pass f: on: unknown column "meno"; did you mean "memo"? (in the left)
reconcile: pass f: on: unknown column "meno"; did you mean "memo"? (in the right)
reconcile: pass f: date: memo has no dates
reconcile: pass f: there is another pass of this name; "key" is that of the keys
reconcile: pass f: date: a date and a string can't be compared; say how the texts are written, like date: 2006-01-02
reconcile: pass f: one row for several goes by the sum, within the tolerance of the amount; take amount, days and date out`},
		{"late and carry", Options{Keys: []Key{{Left: "n"}}, Late: &LateRule{"memo", -1}, Carry: []string{"nn", "tags", "acct"}}, `
reconcile: late: memo has no dates
reconcile: late: days: from 0 to 36600, not -1
reconcile: carry: unknown column "nn"; did you mean "n"? (in either side)
reconcile: carry: tags is a list<string>, which can't be handed on; cast it before
reconcile: carry: acct is a string in the left and an int64 in the right; cast one of them before`},
		{"names", Options{Keys: []Key{{Left: "n", As: "cause"}, {Left: "n", As: "left_m"}}, Columns: []Column{{Left: "n", As: "rows"}, {Left: "memo", As: "m"}}, Carry: []string{"n", "n"}}, `
reconcile: key cause: the result has a column "cause" already, which is its own; call it otherwise with as
reconcile: column rows: the result has a column "left_rows" already, which is its own; call it otherwise with as
reconcile: column rows: the result has a column "right_rows" already, which is its own; call it otherwise with as
reconcile: column m: the result has a column "left_m" already, key left_m; call it otherwise with as
reconcile: carry n: the result has a column "n" already, carry n; leave it out, or call it otherwise before`},
		{"names in another case", Options{Keys: []Key{{Left: "n", As: "Key"}}, Columns: []Column{{Left: "n", As: "m"}, {Left: "memo", As: "M"}}}, `
reconcile: key Key: the result has a column "Key" already, which is its own; call it otherwise with as
reconcile: column M: the result has a column "left_M" already, column m; call it otherwise with as
reconcile: column M: the result has a column "right_M" already, column m; call it otherwise with as`},
	} {
		_, err := Sides(test.o).Bind(left, right)
		if err == nil {
			t.Errorf("%s: accepted", test.name)
			continue
		}
		if got, want := err.Error(), strings.TrimSpace(test.want); got != want {
			t.Errorf("%s:\n got\n%s\nwant\n%s", test.name, got, want)
		}
		if k := pipeline.KindOf(err); k != pipeline.Invalid {
			t.Errorf("%s: %s", test.name, k)
		}
	}
	if _, err := Sides(Options{Keys: []Key{{Left: "n"}}}).Bind(left); err == nil || !strings.Contains(err.Error(), "two inputs") {
		t.Errorf("one input: %v", err)
	}
}

// The text of the operator is the same for what does the same, and another for all else.
func TestTextOfTheOperator(t *testing.T) {
	one := 1
	o := Options{Names: [2]string{"a", "b"}, Keys: []Key{{Left: "id", Normal: Normal{Trim: true}}}, Columns: []Column{{Left: "amount", Round: &one, Normal: Normal{Map: map[string]string{"b": "1", "a": "2"}}}}}
	const want = `reconcile by id, comparing amount
{"Columns":[{"Left":"amount","Map":{"a":"2","b":"1"},"Round":1}],"Keys":[{"Left":"id","Trim":true}]}`
	if got := Sides(o).String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	other := o
	other.Names = [2]string{"c", "d"}
	if Sides(other).String() != Sides(o).String() {
		t.Error("what the sides are called changes the text")
	}
	zero := 0
	for i, change := range []func(*Options){
		func(o *Options) { o.Keys = []Key{{Left: "id"}} },
		func(o *Options) { o.Keys = []Key{{Left: "id", NullsEqual: true, Normal: Normal{Trim: true}}} },
		func(o *Options) { o.Columns = []Column{{Left: "amount", Round: &zero}} },
		func(o *Options) { o.Columns = []Column{{Left: "amount", Seconds: 1}} },
		func(o *Options) { o.Passes = []Pass{{Name: "x", Days: 1}} },
		func(o *Options) { o.Late = &LateRule{"x", 0} },
		func(o *Options) { o.Carry = []string{"x"} },
		func(o *Options) { o.Rows = true },
		func(o *Options) { o.Amount = "amount" },
	} {
		changed := o
		change(&changed)
		if Sides(changed).String() == Sides(o).String() {
			t.Errorf("change %d does not show", i)
		}
	}
}

// Every column of the result says where it comes from.
func TestOriginsOfSides(t *testing.T) {
	left := columnsOf(t, "x:string; id:int64; amount:decimal(18, 2); booked:date; acct:string")
	right := columnsOf(t, "ref:int64; amt:decimal(18, 2); value:date; y:string")
	b, err := Sides(Options{
		Keys: []Key{{Left: "id", Right: "ref", As: "no"}}, Columns: []Column{{Left: "amount", Right: "amt"}}, Carry: []string{"acct", "y"},
		Passes: []Pass{{Name: "near", On: []string{"no"}, Days: 1, Date: "booked = value"}},
	}).Bind(left, right)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Origins.Columns) != b.Schema.NumFields() {
		t.Fatalf("%d origins of %d columns", len(b.Origins.Columns), b.Schema.NumFields())
	}
	at := func(input, index int, how pipeline.Way) pipeline.Use {
		return pipeline.Use{Column: pipeline.Column{Input: input, Index: index}, How: how}
	}
	decide := []pipeline.Use{
		at(0, 1, pipeline.Joined), at(1, 0, pipeline.Joined), at(0, 2, pipeline.Conditional), at(1, 1, pipeline.Conditional),
		at(0, 3, pipeline.Conditional), at(1, 2, pipeline.Conditional),
	}
	for name, want := range map[string][]pipeline.Use{
		"outcome": decide, "cause": decide, "no": {at(0, 1, pipeline.Computed), at(1, 0, pipeline.Computed)},
		"left_amount": {at(0, 2, pipeline.Renamed)}, "right_amount": {at(1, 1, pipeline.Renamed)},
		"left_total": {at(0, 2, pipeline.Aggregated)}, "right_total": {at(1, 1, pipeline.Aggregated)},
		"acct": {at(0, 4, pipeline.Copied)}, "y": {at(1, 3, pipeline.Copied)}, "delta": {at(0, 2, pipeline.Computed), at(1, 1, pipeline.Computed)},
	} {
		got := b.Origins.Columns[b.Schema.FieldIndices(name)[0]].From
		if len(got) != len(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
	}
}
