package penstock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

const sidesOfANight = `name: night
partitions: {by: day, from: 2026-11-01}
sources:
  ledger: {csv: 'in/ledger-{partition}.csv', schema: {invoice: string, account: string, batch: string, amount: 'decimal(18, 2)', booked: date, status: string, memo: string}}
  bank: {csv: 'in/bank-{partition}.csv', schema: {reference: string, account: string, batch: string, amount: 'decimal(18, 2)', value_date: date, status: string, memo: string}}
stages:
  compare:
    from: [ledger, bank]
    operators:
      - reconcile:
          keys:
            - {left: invoice, right: reference, trim: true, case: upper, strip: '(?i)^inv-', pad: 6}
          columns:
            amount: {tolerance: 0.01}
            booked: {right: value_date}
            status: {map: {C: cleared}, case: lower, trim: true}
            memo: {blank_is_null: true}
          passes:
            - {name: deposits, many: right, on: [batch]}
            - {name: near, on: [account], amount: 1.00, days: 3, date: booked}
          late: {column: booked, days: 1}
          carry: [account]
    gates:
      - not_null: outcome
    output: {parquet: warehouse/outcomes}
    datasets: {parquet: warehouse/compare}
`

// A night runs: it balances, and its parts are published.
func TestTwoSidesAndTheirParts(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "in/ledger-2026-11-05.csv"), strings.Join([]string{
		"invoice,account,batch,amount,booked,status,memo",
		"INV-1,a,,10.00,2026-11-04,C,",
		"inv-2,a,,20.00,2026-11-04,c,x",
		" 3,a,,-30.00,2026-11-04,C,x",
		"D1,b,b1,60.00,2026-11-04,C,",
		"9,c,,5.00,2026-11-02,C,",
		"7,d,,7.00,2026-11-05,C,",
		"8,d,,8.00,2026-11-01,C,", "",
	}, "\n"))
	write(t, filepath.Join(dir, "in/bank-2026-11-05.csv"), strings.Join([]string{
		"reference,account,batch,amount,value_date,status,memo",
		"000001,a,,10.01,2026-11-04,cleared ,  ",
		"000002,a,,25.00,2026-11-04,CLEARED,x",
		"000003,a,,30.00,2026-11-04,C,x",
		"I1,b,b1,25.00,2026-11-04,C,",
		"I2,b,b1,35.00,2026-11-04,C,",
		"77,c,,5.50,2026-11-04,C,", "",
	}, "\n"))
	pl, err := config.Parse("night.yaml", []byte(sidesOfANight), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := open(t, dir)
	rec, err := p.Run(t.Context(), pl, "2026-11-05")
	if err != nil || rec.Status != pipeline.Published {
		t.Fatalf("%+v, %v", rec, err)
	}
	balance := ""
	for _, f := range rec.Gates {
		if f.Name == pipeline.Balance {
			balance = fmt.Sprintf("%s of %s: %s; %s", f.Verdict, f.Stage, f.Observed, strings.Join(f.Detail, "; "))
		}
	}
	if want := "pass of compare: ledger: 7 rows, amount 80.00; bank: 6 rows, amount 130.51; amount: the sides differ by -50.51: -50.00 by breaks, -0.51 within tolerances or against no amount"; balance != want {
		t.Errorf("balance: got %s, want %s", balance, want)
	}
	for part, want := range map[string]int64{"matched": 3, "different": 2, "only_left": 2, "only_right": 0, "summary": 7} {
		for _, s := range rec.Stages {
			if s.Name == "compare_"+part && s.RowsOut != want {
				t.Errorf("%s has %d rows, want %d", s.Name, s.RowsOut, want)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "warehouse/compare", part, "day=2026-11-05/part-0.parquet")); err != nil {
			t.Error(err)
		}
	}
}
