package night

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/xuri/excelize/v2"
)

func opened(t *testing.T, text string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// The same night gives the same bytes, whenever and however often.
func TestXLSXIsTheSame(t *testing.T) {
	first := written(t, sample(t), XLSX)
	for range 3 {
		if written(t, sample(t), XLSX) != first {
			t.Fatal("the workbook differs")
		}
	}
	z, err := zip.NewReader(strings.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if !f.Modified.IsZero() && f.Modified.Year() > 1980 {
			t.Errorf("%s has a time: %v", f.Name, f.Modified)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(f.Name, "xl/worksheets/") && bytes.Contains(text, []byte("<f>")) {
			t.Errorf("%s has a formula", f.Name)
		}
	}
}

func TestXLSXCells(t *testing.T) {
	f := opened(t, written(t, sample(t), XLSX))
	rows, err := f.GetRows(sheetBreaks)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 39 {
		t.Fatalf("%d rows of breaks", len(rows))
	}
	place := map[string]string{}
	for i, name := range rows[0] {
		if place[name], err = excelize.ColumnNumberToName(i + 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		row          int
		column, want string
		kind         excelize.CellType
	}{
		{3, "delta", "98250", excelize.CellTypeUnset},
		{3, "since", "46356", excelize.CellTypeUnset},
		{39, "left", "", excelize.CellTypeInlineString},
		{39, "right", "=1+1", excelize.CellTypeInlineString},
		{39, "delta", "1234567890123456.78", excelize.CellTypeInlineString},
		{39, "account", "-2+3", excelize.CellTypeInlineString},
	} {
		at := fmt.Sprint(place[c.column], c.row)
		kind, err := f.GetCellType(sheetBreaks, at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.GetCellValue(sheetBreaks, at, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		if kind != c.kind || c.want != "" && got != c.want {
			t.Errorf("%s %s is %q of type %d; %q of type %d expected", c.column, at, got, kind, c.want, c.kind)
		}
		if formula, _ := f.GetCellFormula(sheetBreaks, at); formula != "" {
			t.Errorf("%s is a formula: %s", at, formula)
		}
	}
	shown, err := f.GetCellValue(sheetBreaks, place["delta"]+"3")
	if err != nil || shown != "98,250.00" {
		t.Errorf("the delta is shown as %q, %v", shown, err)
	}
	if shown, err = f.GetCellValue(sheetBreaks, place["since"]+"3"); err != nil || shown != "2026-11-30" {
		t.Errorf("the date is shown as %q, %v", shown, err)
	}
	panes, err := f.GetPanes(sheetBreaks)
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the header is not frozen: %+v, %v", panes, err)
	}
}

// What a sheet has no room for is said in it.
func TestXLSXIsBounded(t *testing.T) {
	var b bytes.Buffer
	n := sample(t)
	n.All = All(n, func(yield func(arrow.RecordBatch, error) bool) {
		for range 3 {
			batch := sampleLedger(t)
			more := yield(batch, nil)
			batch.Release()
			if !more {
				return
			}
		}
	})
	if err := writeXLSX(&b, n, 50); err != nil {
		t.Fatal(err)
	}
	f := opened(t, b.String())
	rows, err := f.GetRows(sheetBreaks)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 50 || !strings.Contains(rows[49][0], "and 66 more") {
		t.Errorf("%d rows, the last is %q", len(rows), rows[len(rows)-1])
	}
	summary, err := f.GetRows(sheetSummary)
	if err != nil || !strings.Contains(fmt.Sprint(summary), "and 66 more") {
		t.Errorf("the summary does not say so: %v, %v", summary, err)
	}
}
