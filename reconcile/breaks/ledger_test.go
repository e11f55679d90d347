package breaks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// resultSchema is what Reconcile gives of a key `id`, with a column `amount` compared and
// `account` carried.
var resultSchema = relationOf("outcome:utf8; pass:utf8; key:utf8; nth:int32; id:int64; column:utf8; cause:utf8; left:utf8; right:utf8; " +
	"delta:decimal(38, 2); left_rows:int64; right_rows:int64; left_total:decimal(38, 2); right_total:decimal(38, 2); " +
	"left_amount:decimal(10, 2); right_amount:decimal(10, 2); account:utf8")

func relationOf(text string) *arrow.Schema {
	var fields []arrow.Field
	for part := range strings.SplitSeq(text, "; ") {
		name, typ, _ := strings.Cut(part, ":")
		t, err := pipeline.ParseType(typ)
		if err != nil {
			panic(err)
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}

// rowsOf makes a batch; a row is "name=value name=value", what is left out is null.
func rowsOf(t *testing.T, schema *arrow.Schema, rows ...string) arrow.RecordBatch {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, row := range rows {
		cells := map[string]string{}
		for cell := range strings.FieldsSeq(row) {
			name, value, _ := strings.Cut(cell, "=")
			cells[name] = value
		}
		for i, f := range schema.Fields() {
			v, ok := cells[f.Name]
			if !ok {
				b.Field(i).AppendNull()
			} else if err := b.Field(i).AppendValueFromString(v); err != nil {
				t.Fatal(err)
			}
			delete(cells, f.Name)
		}
		if len(cells) > 0 {
			t.Fatalf("no such columns: %v", cells)
		}
	}
	return b.NewRecordBatch()
}

// chain runs a ledger night after night.
type chain struct {
	t         *testing.T
	op        pipeline.Operator
	scheme    pipeline.Scheme
	before    arrow.RecordBatch // nil: none
	decisions []Decision
	schema    *arrow.Schema // of what is reconciled
}

func newChain(t *testing.T, o Options) *chain {
	if o.Dataset == "" {
		o.Dataset = "compare"
	}
	return &chain{t: t, op: Ledger(o), scheme: pipeline.Scheme{By: pipeline.Day}, schema: resultSchema}
}

var noColumns = arrow.NewSchema(nil, nil)

func (c *chain) night(partition string, rows ...string) []map[string]string {
	c.t.Helper()
	return c.run(partition, rowsOf(c.t, c.schema, rows...))
}

func (c *chain) run(partition string, tonight arrow.RecordBatch) []map[string]string {
	c.t.Helper()
	p, err := c.scheme.Parse(partition)
	if err != nil {
		c.t.Fatal(err)
	}
	before := c.before
	if before == nil {
		before = array.NewRecordBatch(noColumns, nil, 0)
	}
	before.Retain() // those who gave it may use it again
	env := &pipeline.Env{Alloc: memory.DefaultAllocator, Memory: pipeline.NewBudget(1 << 30), Workers: 2, Temp: c.t.TempDir(), Partition: p}
	var until []Decision
	for _, d := range c.decisions {
		if d.Partition <= partition {
			until = append(until, d)
		}
	}
	decided := decisionRows(env, 1, until...)
	b, err := c.op.Bind(tonight.Schema(), before.Schema(), decisionsSchema)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := b.Stream(context.Background(), env, pipeline.Batches(tonight), pipeline.Batches(before), pipeline.Batches(decided))
	if err != nil {
		c.t.Fatal(err)
	}
	var out []arrow.RecordBatch
	err = pipeline.Each(context.Background(), r, func(b arrow.RecordBatch) error {
		b.Retain()
		out = append(out, b)
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.before = array.NewRecordBatch(b.Schema, nil, 0)
	if len(out) > 0 {
		c.before = out[0]
	}
	return cells(c.before)
}

func cells(b arrow.RecordBatch) (rows []map[string]string) {
	for i := range int(b.NumRows()) {
		row := map[string]string{}
		for j, f := range b.Schema().Fields() {
			if b.Column(j).IsNull(i) {
				continue
			}
			row[f.Name] = b.Column(j).ValueStr(i)
			if d, ok := b.Column(j).(*array.Decimal128); ok {
				row[f.Name] = d.Value(i).ToString(d.DataType().(*arrow.Decimal128Type).Scale)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// brief is some columns of rows, by key, a line each.
func brief(rows []map[string]string, columns ...string) string {
	var lines []string
	for _, r := range rows {
		cells := []string{r[words.ColKey]}
		for _, c := range columns {
			v, ok := r[c]
			if !ok {
				v = "-"
			}
			cells = append(cells, v)
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func idOf(dataset, key, column, cause string, nth int) string {
	part := func(s string) string {
		if s == "" {
			return "-"
		}
		return fmt.Sprintf("%d:%s", len(s), s)
	}
	sum := sha256.Sum256([]byte(part(dataset) + part(key) + part(column) + part(cause) + fmt.Sprint(nth)))
	return hex.EncodeToString(sum[:])[:16]
}

func differs(key, left, right, delta string) string {
	return fmt.Sprintf("outcome=different pass=key key=%s id=%s nth=1 column=amount cause=value left=%s right=%s delta=%s left_rows=1 right_rows=1 account=a%s", key, key, left, right, delta, key)
}

func missing(key, delta string) string {
	return fmt.Sprintf("outcome=only_left key=%s id=%s nth=1 cause=missing delta=%s left_rows=1 account=a%s", key, key, delta, key)
}

const matched = "outcome=matched pass=key left_rows=5 right_rows=5"

func (c *chain) want(got []map[string]string, columns string, lines ...string) {
	c.t.Helper()
	if diff := cmp.Diff(strings.Join(lines, "\n"), brief(got, strings.Fields(columns)...)); diff != "" {
		c.t.Error(diff)
	}
}

func TestABreakOpensAgesChangesClearsAndReopens(t *testing.T) {
	c := newChain(t, Options{})
	const cols = "state opened since changed cleared nights age_days delta before_delta account"
	c.want(c.night("2026-11-01", matched, differs("7", "10.00", "9.00", "1.00")), cols,
		"7 new 2026-11-01 2026-11-01 - - 1 0 1.00 - a7")
	c.want(c.night("2026-11-02", differs("7", "10.00", "9.00", "1.00")), cols,
		"7 open 2026-11-01 2026-11-01 - - 2 1 1.00 1.00 a7")
	c.want(c.night("2026-11-03", differs("7", "10.00", "8.00", "2.00"), missing("8", "3.00")), cols,
		"7 changed 2026-11-01 2026-11-01 2026-11-03 - 3 2 2.00 1.00 a7",
		"8 new 2026-11-03 2026-11-03 - - 1 0 3.00 - a8")
	c.want(c.night("2026-11-04", differs("7", "11.00", "9.00", "2.00"), missing("8", "3.00")), cols, // only the texts
		"7 changed 2026-11-01 2026-11-01 2026-11-04 - 4 3 2.00 2.00 a7",
		"8 open 2026-11-03 2026-11-03 - - 2 1 3.00 3.00 a8")
	c.want(c.night("2026-11-05", missing("8", "3.00")), cols,
		"7 cleared 2026-11-01 2026-11-01 2026-11-04 2026-11-05 4 4 2.00 2.00 a7",
		"8 open 2026-11-03 2026-11-03 - - 3 2 3.00 3.00 a8")
	c.want(c.night("2026-11-06", matched), cols, // it stays cleared as it was
		"7 cleared 2026-11-01 2026-11-01 2026-11-04 2026-11-05 4 4 2.00 2.00 a7",
		"8 cleared 2026-11-03 2026-11-03 - 2026-11-06 3 3 3.00 3.00 a8")
	c.want(c.night("2026-11-07", differs("7", "11.00", "9.00", "2.00"), missing("8", "4.00")), cols,
		"7 reopened 2026-11-01 2026-11-07 2026-11-04 - 1 0 2.00 2.00 a7",
		"8 reopened 2026-11-03 2026-11-07 2026-11-07 - 1 0 4.00 3.00 a8")
	c.want(c.night("2026-11-08", differs("7", "11.00", "9.00", "2.00")), cols,
		"7 open 2026-11-01 2026-11-07 2026-11-04 - 2 1 2.00 2.00 a7",
		"8 cleared 2026-11-03 2026-11-07 2026-11-07 2026-11-08 1 1 4.00 4.00 a8")
}

func TestAnEmptyNightClearsAll(t *testing.T) {
	c := newChain(t, Options{})
	if got := c.night("2026-11-01"); got != nil {
		t.Errorf("nothing broke, and the ledger has %v", got)
	}
	c.night("2026-11-02", missing("1", "1.00"), missing("2", "2.00"))
	c.want(c.night("2026-11-03"), "state cleared outcome delta", "1 cleared 2026-11-03 only_left 1.00", "2 cleared 2026-11-03 only_left 2.00")
}

func TestFlappingKeepsTheHistory(t *testing.T) {
	c := newChain(t, Options{})
	for i := 1; i <= 20; i++ {
		night := fmt.Sprintf("2026-11-%02d", i)
		if i%2 == 0 {
			c.want(c.night(night), "state opened cleared nights", "5 cleared 2026-11-01 "+night+" 1")
			continue
		}
		state := "reopened"
		if i == 1 {
			state = "new"
		}
		c.want(c.night(night, missing("5", "1.00")), "state opened since nights age_days", "5 "+state+" 2026-11-01 "+night+" 1 0")
	}
}

func TestClearedBreaksStayForSomeNights(t *testing.T) {
	for _, test := range []struct {
		gone  int // nights in which it is not there
		state string
	}{{3, "reopened"}, {4, "reopened"}, {5, "new"}} {
		c := newChain(t, Options{Keep: 3})
		c.night("2026-11-01", missing("5", "1.00"))
		for i := range test.gone {
			got := c.night(fmt.Sprintf("2026-11-%02d", i+2))
			if want := i <= 3; (len(got) == 1) != want {
				t.Errorf("%d nights after it cleared the ledger has it: %v", i, !want)
			}
		}
		got := c.night(fmt.Sprintf("2026-11-%02d", test.gone+2), missing("5", "1.00"))
		if got[0][words.ColState] != test.state {
			t.Errorf("after %d nights it is %s, not %s", test.gone, got[0][words.ColState], test.state)
		}
	}
}

// Weekends are no nights: what cleared on Friday has been kept one night on Monday.
func TestKeepGoesByTheCalendar(t *testing.T) {
	c := newChain(t, Options{Keep: 1})
	c.scheme.Calendar = pipeline.BusinessDays()
	c.night("2026-11-05", missing("5", "1.00"))
	c.want(c.night("2026-11-06"), "state", "5 cleared")
	c.want(c.night("2026-11-09"), "state", "5 cleared")
	c.want(c.night("2026-11-10"), "state")
}

func TestPartitionsOtherThanDays(t *testing.T) {
	for _, test := range []struct {
		by     pipeline.By
		nights []string
		ages   []string
	}{
		{pipeline.Hour, []string{"2026-11-01T23", "2026-11-02T00"}, []string{"0", "1"}},
		{pipeline.Week, []string{"2026-11-02", "2026-11-09"}, []string{"0", "7"}},
		{pipeline.Month, []string{"2026-01", "2026-02", "2026-03"}, []string{"0", "31", "59"}},
		{pipeline.Key, []string{"eu", "us"}, []string{"-", "-"}},
	} {
		c := newChain(t, Options{})
		c.scheme = pipeline.Scheme{By: test.by}
		for i, night := range test.nights {
			c.want(c.night(night, missing("5", "1.00")), "opened nights age_days", fmt.Sprintf("5 %s %d %s", test.nights[0], i+1, test.ages[i]))
		}
	}
}

// Where the night before is not published all breaks are new; what was known before is not.
func TestAGapBeginsAnew(t *testing.T) {
	c := newChain(t, Options{})
	c.night("2026-11-01", missing("5", "1.00"))
	c.before = nil
	c.want(c.night("2026-11-03", missing("5", "1.00")), "state opened nights", "5 new 2026-11-03 1")
}

func TestAnotherDatasetHasOtherBreaks(t *testing.T) {
	c := newChain(t, Options{Dataset: "old"})
	first := c.night("2026-11-01", missing("5", "1.00"))
	c.op = Ledger(Options{Dataset: "new"})
	got := c.night("2026-11-02", missing("5", "1.00"))
	c.want(got, "dataset state opened", "5 new new 2026-11-02", "5 old cleared 2026-11-01")
	if first[0][words.ColBreak] == got[0][words.ColBreak] && first[0][words.ColBreak] == got[1][words.ColBreak] {
		t.Error("the id does not depend on the dataset")
	}
}

func TestIdentity(t *testing.T) {
	c := newChain(t, Options{Dataset: "compare"})
	got := c.night("2026-11-01", differs("7", "1", "2", "-1.00"), missing("8", "1.00"),
		"outcome=only_right key=ä|x nth=1 cause=missing delta=1.00", "outcome=only_right key=1:a nth=1 column=a cause=b",
		"outcome=only_right key=1:a1 nth=1 column=: cause=b")
	var ids []string
	for _, r := range got {
		ids = append(ids, r[words.ColBreak])
		if want := idOf("compare", r[words.ColKey], r[words.ColColumn], r[words.ColCause], 1); r[words.ColBreak] != want {
			t.Errorf("the id of %v is %s, not %s", r, r[words.ColBreak], want)
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != 5 {
		t.Errorf("ids %v are not in order, or one is there twice", ids)
	}
}

// Several breaks of one key, column and cause are told apart by their place; one that is there
// twice, which ought not to be, is two.
func TestSeveralOfOneKey(t *testing.T) {
	const row = "outcome=only_left key=5 id=5 cause=duplicate "
	c := newChain(t, Options{})
	rows := []string{row + "nth=1 delta=1.00", row + "nth=2 delta=2.00", row + "nth=3 delta=3.00"}
	got := c.night("2026-11-01", rows...)
	c.want(got, "nth delta state", "5 1 1.00 new", "5 2 2.00 new", "5 3 3.00 new")
	slices.Reverse(rows)
	c.want(c.night("2026-11-02", rows...), "nth delta state", "5 1 1.00 open", "5 2 2.00 open", "5 3 3.00 open")
	c.want(c.night("2026-11-03", row+"nth=1 delta=1.00", row+"nth=1 delta=1.00"), "nth delta state",
		"5 1 1.00 open", "5 2 1.00 changed", "5 3 3.00 cleared")
}

func decision(action, id, partition string, edit func(*Decision)) Decision {
	d := Decision{Action: action, Break: id, Partition: partition, Actor: "anna", Reason: "r", Owner: "ben"}
	if action != Assign {
		d.Owner = ""
	}
	if edit != nil {
		edit(&d)
	}
	return d
}

func accepted(outcome, left, right, delta, until string) func(*Decision) {
	return func(d *Decision) {
		d.Until = until
		d.Accepted = &Values{outcome, given(left), given(right), given(delta)}
	}
}

func TestAcceptedWhileTheValueHolds(t *testing.T) {
	const cols = "state opened since nights accepted_by accepted_until reason"
	id := idOf("compare", "7", "amount", "value", 1)
	c := newChain(t, Options{})
	c.decisions = []Decision{decision(Accept, id, "2026-11-02", accepted(words.Different, "10", "9", "1.00", ""))}
	c.want(c.night("2026-11-01", differs("7", "10", "9", "1.00")), cols, "7 new 2026-11-01 2026-11-01 1 - - -")
	c.want(c.night("2026-11-02", differs("7", "10", "9", "1.00")), cols, "7 accepted 2026-11-01 2026-11-01 2 anna - r")
	c.want(c.night("2026-11-03", differs("7", "10", "9", "1.00")), cols, "7 accepted 2026-11-01 2026-11-01 3 anna - r")
	c.want(c.night("2026-11-04", differs("7", "10", "8", "2.00")), cols, "7 reopened 2026-11-01 2026-11-04 1 - - r")
	c.want(c.night("2026-11-05", differs("7", "10", "8", "2.00")), cols, "7 open 2026-11-01 2026-11-04 2 - - r")
	c.want(c.night("2026-11-06", matched), cols, "7 cleared 2026-11-01 2026-11-04 2 - - r")
	c.want(c.night("2026-11-07", differs("7", "10", "9", "1.00")), cols, "7 accepted 2026-11-01 2026-11-07 1 anna - r")
	c.decisions = append(c.decisions, decision(Reopen, id, "2026-11-08", func(d *Decision) { d.Reason = "no" }))
	c.want(c.night("2026-11-08", differs("7", "10", "9", "1.00")), cols, "7 reopened 2026-11-01 2026-11-08 1 - - no")
	c.want(c.night("2026-11-09", differs("7", "10", "9", "1.00")), cols, "7 open 2026-11-01 2026-11-08 2 - - no")
}

func TestEachPartOfTheValueCounts(t *testing.T) {
	id := idOf("compare", "7", "amount", "value", 1)
	for _, edit := range []func(*Decision){
		accepted(words.OnlyLeft, "10", "9", "1.00", ""), accepted(words.Different, "11", "9", "1.00", ""), accepted(words.Different, "10", "", "1.00", ""),
		accepted(words.Different, "10", "9", "1.01", ""), accepted(words.Different, "10", "9", "", ""), accepted(words.Different, "10", "9", "one", ""),
		accepted(words.Different, "10", "9", "1.00", "2026-10-31"), accepted(words.Different, "10", "9", "1.00", "2026-10"),
	} {
		c := newChain(t, Options{})
		c.decisions = []Decision{decision(Accept, id, "2026-11-01", edit)}
		if got := c.night("2026-11-01", differs("7", "10", "9", "1.00")); got[0][words.ColState] != words.New || got[0][words.ColAcceptedBy] != "" {
			t.Errorf("accepted as %+v until %q, it is %v", *c.decisions[0].Accepted, c.decisions[0].Until, got[0])
		}
	}
}

func TestAcceptancesExpireByTheNight(t *testing.T) {
	for _, test := range []struct {
		by     pipeline.By
		until  string
		nights string // those with a + are accepted
	}{
		{pipeline.Day, "2026-11-02", "+2026-11-01 +2026-11-02 2026-11-03"},
		{pipeline.Hour, "2026-11-01", "+2026-11-01T00 +2026-11-01T23 2026-11-02T00"},
		{pipeline.Hour, "2026-11-01T05", "+2026-11-01T04 +2026-11-01T05 2026-11-01T06"},
		{pipeline.Week, "2026-11-10", "+2026-11-02 +2026-11-09 2026-11-16"},
		{pipeline.Month, "2026-11", "+2026-10 +2026-11 2026-12"},
		{pipeline.Month, "2026-11-15", "+2026-10 +2026-11 2026-12"},
	} {
		c := newChain(t, Options{})
		c.scheme = pipeline.Scheme{By: test.by}
		id := idOf("compare", "7", "", "missing", 1)
		c.decisions = []Decision{decision(Accept, id, "2026-10", accepted(words.OnlyLeft, "", "", "1.00", test.until))}
		for night := range strings.FieldsSeq(test.nights) {
			night, want := strings.CutPrefix(night, "+")
			got := c.night(night, missing("7", "1.00"))[0]
			if (got[words.ColState] == words.Accepted) != want || want != (got[words.ColAcceptedUntil] == test.until) {
				t.Errorf("until %s, in %s: %v", test.until, night, got)
			}
			if !want && got[words.ColState] != words.Reopened {
				t.Errorf("in %s it expired, and is %s", night, got[words.ColState])
			}
		}
	}
}

func TestAssignedAndTheLastDecisionCounts(t *testing.T) {
	id := idOf("compare", "7", "", "missing", 1)
	c := newChain(t, Options{})
	c.decisions = []Decision{
		decision(Assign, id, "2026-11-01", func(d *Decision) { d.Owner, d.Reason = "ben", "" }),
		decision(Accept, id, "2026-11-02", accepted(words.OnlyLeft, "", "", "1.00", "")),
		decision(Reopen, id, "2026-11-02", func(d *Decision) { d.Reason = "second thoughts" }),
		decision(Assign, id, "2026-11-03", func(d *Decision) { d.Owner, d.Reason = "cy", "" }),
		decision(Accept, "0000000000000000", "2026-11-01", accepted(words.OnlyLeft, "", "", "1.00", "")), // of none that is there
	}
	c.want(c.night("2026-11-01", missing("7", "1.00")), "state owner reason", "7 new ben -")
	c.want(c.night("2026-11-02", missing("7", "1.00")), "state owner reason", "7 open ben second thoughts")
	c.want(c.night("2026-11-03", missing("7", "1.00")), "state owner reason", "7 open cy second thoughts")
	c.want(c.night("2026-11-04"), "state owner reason", "7 cleared cy second thoughts")
}

// The ledger before may lack columns, or have them of another type, or more.
func TestColumnsComeAndGo(t *testing.T) {
	c := newChain(t, Options{})
	c.night("2026-11-01", missing("7", "1.50"), missing("8", "1.00"))
	c.schema = relationOf("outcome:utf8; key:utf8; nth:int64; column:utf8; cause:utf8; left:utf8; right:utf8; delta:decimal(38, 4); id:utf8; region:utf8; account:int64")
	got := c.night("2026-11-02", "outcome=only_left key=7 nth=1 cause=missing delta=1.5000 id=7 region=eu account=4")
	c.want(got, "state delta id region account", "7 open 1.5000 7 eu 4", "8 cleared 1.0000 8 - -")
}

func TestNamesThatTheStatementUses(t *testing.T) {
	c := newChain(t, Options{Dataset: `it's "x"`})
	c.schema = relationOf(`outcome:utf8; key:utf8; nth:int32; column:utf8; cause:utf8; left:utf8; right:utf8; delta:decimal(38, 2); there:utf8; night:utf8; known:int64; b_since:utf8; o"d d:utf8; carried0:utf8; left_x:utf8`)
	got := c.night("2026-11-01", `outcome=only_left key=7 nth=1 cause=missing there=a night=b known=1 b_since=c carried0=e left_x=f`)
	c.want(got, `there night known b_since carried0 left_x dataset`, `7 a b 1 c e f it's "x"`)
	got = c.night("2026-11-02")
	c.want(got, "there night known b_since carried0 left_x state", "7 a b 1 c e f cleared")
}

func TestLedgerRefuses(t *testing.T) {
	without := func(name string) *arrow.Schema {
		return arrow.NewSchema(slices.DeleteFunc(slices.Clone(resultSchema.Fields()), func(f arrow.Field) bool { return f.Name == name }), nil)
	}
	with := func(name string) *arrow.Schema {
		return arrow.NewSchema(append(slices.Clone(resultSchema.Fields()), arrow.Field{Name: name, Type: arrow.BinaryTypes.String}), nil)
	}
	for _, test := range []struct {
		options Options
		in      []*arrow.Schema
		want    string
	}{
		{Options{Dataset: "x"}, []*arrow.Schema{resultSchema}, "found 1 inputs"},
		{Options{}, []*arrow.Schema{resultSchema, noColumns, decisionsSchema}, "of which dataset"},
		{Options{Dataset: "x", Keep: -1}, []*arrow.Schema{resultSchema, noColumns, decisionsSchema}, "found -1"},
		{Options{Dataset: "x"}, []*arrow.Schema{without("cause"), noColumns, decisionsSchema}, "no column cause"},
		{Options{Dataset: "x"}, []*arrow.Schema{resultSchema, resultSchema, decisionsSchema}, "no ledger of breaks"},
		{Options{Dataset: "x"}, []*arrow.Schema{resultSchema, noColumns, noColumns}, "in the decisions"},
		{Options{Dataset: "x"}, []*arrow.Schema{with("owner"), noColumns, decisionsSchema}, "column owner is handed on"},
		{Options{Dataset: "x"}, []*arrow.Schema{with("State"), noColumns, decisionsSchema}, "column State is handed on"},
	} {
		_, err := Ledger(test.options).Bind(test.in...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error is %v, expected %q in it", err, test.want)
		}
	}
}

// Whatever cell of an input is changed, only those columns change that say that they come from
// it, or the rows do and say so.
func TestOriginsOfALedger(t *testing.T) {
	scene := func() *chain {
		c := newChain(t, Options{})
		c.decisions = []Decision{
			decision(Accept, idOf("compare", "7", "amount", "value", 1), "2026-11-02", accepted(words.Different, "10", "9", "1.00", "2026-11-09")),
			decision(Assign, idOf("compare", "8", "", "missing", 1), "2026-11-01", nil),
		}
		return c
	}
	c := scene()
	c.night("2026-11-01", differs("7", "10", "9", "1.00"), missing("8", "2.00"), missing("9", "3.00"))
	before := c.before
	tonight := rowsOf(t, resultSchema, differs("7", "10", "9", "1.00"), missing("8", "2.50"), matched)
	b, err := c.op.Bind(resultSchema, before.Schema(), decisionsSchema)
	if err != nil {
		t.Fatal(err)
	}
	tonight.Retain()
	c.run("2026-11-02", tonight)
	was := c.before
	reads := func(o pipeline.Origin, input, index int) bool {
		return slices.ContainsFunc(o.From, func(u pipeline.Use) bool { return u.Input == input && u.Index == index })
	}
	for input, in := range []arrow.RecordBatch{tonight, before} {
		for j, f := range in.Schema().Fields() {
			for row := range int(in.NumRows()) {
				changed := spoiled(t, in, row, j)
				c := scene()
				c.before = before
				give := tonight
				if input == 0 {
					give = changed
				} else {
					c.before = changed
				}
				give.Retain()
				c.run("2026-11-02", give)
				if reads(b.Origins.Rows, input, j) {
					continue
				}
				if c.before.NumRows() != was.NumRows() {
					t.Errorf("%s of input %d decides the rows, and is not said to", f.Name, input)
					continue
				}
				for k, to := range b.Schema.Fields() {
					if !array.Equal(c.before.Column(k), was.Column(k)) && !reads(b.Origins.Columns[k], input, j) {
						t.Errorf("%s of input %d decides %s, and is not said to", f.Name, input, to.Name)
					}
				}
			}
		}
	}
}

// spoiled is a batch with another value in a cell.
func spoiled(t *testing.T, in arrow.RecordBatch, row, col int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, in.Schema())
	defer b.Release()
	for i := range int(in.NumRows()) {
		for j := range in.Schema().Fields() {
			v := in.Column(j).ValueStr(i)
			if i == row && j == col {
				v = "99"
			}
			if in.Column(j).IsNull(i) && (i != row || j != col) {
				b.Field(j).AppendNull()
			} else if err := b.Field(j).AppendValueFromString(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.NewRecordBatch()
}
