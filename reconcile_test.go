package penstock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/pipeline"
)

// The night of the guide runs: it balances, and its parts are published.
func TestTheGuideToReconcile(t *testing.T) {
	page, err := os.ReadFile("docs/reconcile.md")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)[1]
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
	pl, err := config.Parse("night.yaml", text, config.Options{})
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
