package night

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/totals"
)

// hostile holds what must not get out of its place in any format.
const hostile = "<script>alert(1)</script>\"'&=cmd|'/c calc'!A1\x1b[31m\u202e"

// ledgerSchema is that of a ledger with a key column and one that is carried.
var ledgerSchema = arrow.NewSchema([]arrow.Field{
	{Name: "break", Type: arrow.BinaryTypes.String},
	{Name: "dataset", Type: arrow.BinaryTypes.String},
	{Name: "key", Type: arrow.BinaryTypes.String},
	{Name: "nth", Type: arrow.PrimitiveTypes.Int32},
	{Name: "column", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "cause", Type: arrow.BinaryTypes.String},
	{Name: "outcome", Type: arrow.BinaryTypes.String},
	{Name: "state", Type: arrow.BinaryTypes.String},
	{Name: "opened", Type: arrow.BinaryTypes.String},
	{Name: "since", Type: arrow.BinaryTypes.String},
	{Name: "cleared", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "nights", Type: arrow.PrimitiveTypes.Int32},
	{Name: "age_days", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "left", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "right", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "delta", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}, Nullable: true},
	{Name: "owner", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "reason", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "account", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// ledger makes a batch of texts, a cell each column of the schema; "~" is null.
func ledger(t *testing.T, schema *arrow.Schema, lines ...[]string) arrow.RecordBatch {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, cells := range lines {
		if len(cells) != schema.NumFields() {
			t.Fatalf("%d cells, %d columns", len(cells), schema.NumFields())
		}
		for i, cell := range cells {
			if cell == "~" {
				b.Field(i).AppendNull()
			} else if err := b.Field(i).AppendValueFromString(cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.NewRecordBatch()
}

func row(cells string) []string { return strings.Split(cells, ";") }

// sampleLedger has breaks of every state.
func sampleLedger(t *testing.T) arrow.RecordBatch {
	lines := [][]string{
		row("00a1;warehouse/breaks;INV-1042;1;amount;rounding;different;new;2026-11-30;2026-11-30;~;1;0;1204.505;1204.51;-0.01;~;~;ACC-7"),
		row("00a2;warehouse/breaks;INV-1077;1;~;missing;only_left;new;2026-11-30;2026-11-30;~;1;0;~;~;98250.00;~;~;ACC-2"),
		row("00a3;warehouse/breaks;INV-0911;1;amount;sign;different;reopened;2026-11-12;2026-11-30;~;1;0;-312.40;312.40;-624.80;ada;was a storno;ACC-7"),
		row("00a4;warehouse/breaks;INV-0800;1;booked;value;different;open;2026-10-02;2026-10-02;~;59;59;2026-10-01;2026-10-04;-3.00;grace;bank confirms;ACC-1"),
		row("00a5;warehouse/breaks;INV-0801;2;~;duplicate;only_right;changed;2026-11-20;2026-11-20;~;11;10;~;~;-45.10;~;~;ACC-9"),
		row("00a6;warehouse/breaks;INV-0640;1;memo;null_blank;different;accepted;2026-09-01;2026-09-01;~;90;90;~;;~;ada;blank is fine;ACC-1"),
		row("00a7;warehouse/breaks;INV-0999;1;amount;unit;different;cleared;2026-11-25;2026-11-25;2026-11-30;5;~;100.00;10000.00;-9900.00;~;~;ACC-3"),
		row("00a8;warehouse/breaks;INV-0001;1;amount;value;different;cleared;2026-11-01;2026-11-01;2026-11-08;5;~;1.00;2.00;-1.00;~;~;ACC-3"),
	}
	for i := range 30 {
		lines = append(lines, row(fmt.Sprintf("01%02x;warehouse/breaks;INV-2%03d;1;~;late;only_right;new;2026-11-30;2026-11-30;~;1;0;~;~;-%d.25;~;~;ACC-%d", i, i, 20+i, i%4)))
	}
	lines = append(lines, []string{
		"02ff", "warehouse/breaks", hostile, "1", "amount", "format", "different", "open", "2026-10-20", "2026-10-20", "~", "41", "41", hostile, "=1+1", "1234567890123456.78", hostile, "@SUM(A1)", "-2+3",
	})
	return ledger(t, ledgerSchema, lines...)
}

func decimal(t *testing.T, text string) Decimal {
	t.Helper()
	d, err := totals.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func side(t *testing.T, rows int64, total string) totals.Side {
	return totals.Side{Rows: rows, Total: decimal(t, total)}
}

func sampleSummary(t *testing.T) *totals.Summary {
	left, right := side(t, 508239, "91234567890123.45"), side(t, 508255, "91234557880098.10")
	return &totals.Summary{
		Reconciled: true, Names: [2]string{"ledger", "bank"}, Amount: "amount", Units: map[string]string{"booked": "days"}, Left: &left, Right: &right,
		Lines: []totals.Line{
			{Outcome: "different", Pass: "key", Column: "amount", Cause: "unit", Count: 4, Left: side(t, 4, "12345.45"), Right: side(t, 4, "2320.10")},
			{Outcome: "matched", Pass: "deposits", Count: 12, Left: side(t, 12, "120000.00"), Right: side(t, 44, "120000.00")},
			{Outcome: "matched", Pass: "key", Count: 508100, Left: side(t, 508100, "91234532212000.00"), Right: side(t, 508100, "91234532212000.00")},
			{Outcome: "only_left", Cause: "missing", Count: 123, Left: side(t, 123, "35545778.00"), Right: side(t, 0, "")},
			{Outcome: "only_right", Cause: "late", Count: 107, Left: side(t, 0, ""), Right: side(t, 107, "25545778.00")},
		},
	}
}

func sampleRun() *pipeline.RunRecord {
	return &pipeline.RunRecord{
		Run: "20261130T020402-4f2a9c", Pipeline: "night", Partition: "2026-11-30", Status: pipeline.Blocked, Actor: "ada@example.org", Penstock: "0.6.0",
		Started: time.Date(2026, 11, 30, 2, 4, 2, 0, time.UTC),
		Gates: []pipeline.Finding{
			{Stage: "compare", Name: "balance", Verdict: pipeline.Pass},
			{Stage: "close", Name: "few_old", Verdict: pipeline.Warn, Severity: pipeline.SeverityWarn, Observed: "2", Expected: "< 2", At: pipeline.Pos{File: "night.yaml", Line: 40, Col: 9}},
			{Stage: "close", Name: "no_big_new", Verdict: pipeline.Fail, Severity: pipeline.Block, Observed: "1", Expected: "breaks.new(abs(delta) > 100.0) == 0", At: pipeline.Pos{File: "night.yaml", Line: 38, Col: 9}},
		},
	}
}

// sample is a night with everything in it.
func sample(t *testing.T) *Night {
	t.Helper()
	batch, summary := sampleLedger(t), sampleSummary(t)
	defer batch.Release()
	b := NewBuilder(sampleRun(), summary, Options{})
	b.Of("warehouse/breaks")
	if err := b.Ledger(batch); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 40; i++ { // more than a trend has
		day := time.Date(2026, 11, 30-i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		if i == 9 { // a night without ledger
			b.Past(day, nil, nil)
			continue
		}
		past := NewCounter(day, summary)
		for j := range 3 + (i*7)%11 {
			state := "open"
			if j < i%4 {
				state = "new"
			}
			line := row("00a4;d;k;1;~;missing;only_left;" + state + ";2026-10-02;2026-10-02;~;1;0;~;~;" + fmt.Sprint(100+(i*37)%90) + ".50;~;~;a")
			one := ledger(t, ledgerSchema, line)
			past.Add(one)
			one.Release()
		}
		s := *summary
		s.Lines = append([]totals.Line{}, s.Lines...)
		s.Lines[0].Left.Rows += int64((i * 131) % 900)
		b.Past(day, &s, past)
	}
	n := b.Night()
	n.All = All(n, func(yield func(arrow.RecordBatch, error) bool) {
		batch := sampleLedger(t)
		defer batch.Release()
		yield(batch, nil)
	})
	return n
}
