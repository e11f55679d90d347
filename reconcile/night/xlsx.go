package night

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/xuri/excelize/v2"
)

// The sheets of a workbook.
const (
	sheetSummary = "Summary"
	sheetBreaks  = "Breaks"
	sheetTrend   = "Trend"
)

// maxSheetRows is how many rows a sheet has.
const maxSheetRows = 1_048_576

// XLSX writes the night as a workbook: a sheet that sums it up, one with every break that is not
// cleared, or cleared this night, and one with the trend. Numbers of more than 15 digits are texts,
// for a spreadsheet would round them. Of many breaks it keeps rows in temporary files on the way.
func XLSX(w io.Writer, n *Night) error { return writeXLSX(w, n, maxSheetRows) }

func writeXLSX(w io.Writer, n *Night, maxRows int64) (err error) {
	x := &book{f: excelize.NewFile(), n: n, styles: map[string]int{}, maxRows: maxRows}
	defer func() {
		if cerr := x.f.Close(); err == nil {
			err = cerr
		}
	}()
	if err := x.f.SetSheetName("Sheet1", sheetSummary); err != nil {
		return err
	}
	for _, name := range []string{sheetBreaks, sheetTrend} {
		if _, err := x.f.NewSheet(name); err != nil {
			return err
		}
	}
	made := n.Started.UTC().Format(time.RFC3339) // of the night, not of the file
	if err := x.f.SetDocProps(&excelize.DocProperties{
		Created: made, Modified: made, Creator: "penstock", LastModifiedBy: "penstock", Title: visible(n.Pipeline + " " + n.Partition),
	}); err != nil {
		return err
	}
	left, err := x.breaks()
	if err != nil {
		return err
	}
	if err := x.summary(left); err != nil {
		return err
	}
	if err := x.trend(); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := x.f.Write(&b); err != nil {
		return err
	}
	return settled(w, b.Bytes())
}

// book is a workbook being written.
type book struct {
	f       *excelize.File
	n       *Night
	styles  map[string]int
	maxRows int64
}

// style gives the number of a style, the same for the same one.
func (x *book) style(format string, bold bool) (int, error) {
	key := fmt.Sprint(format, bold)
	if id, ok := x.styles[key]; ok {
		return id, nil
	}
	s := &excelize.Style{Font: &excelize.Font{Bold: bold, Size: 11, Family: "Calibri"}}
	if format != "" {
		s.CustomNumFmt = &format
	}
	if bold {
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E9EEF4"}}
	}
	id, err := x.f.NewStyle(s)
	x.styles[key] = id
	return id, err
}

// The formats of cells.
const (
	formatCount = "#,##0"
	formatDate  = "yyyy-mm-dd"
	formatShare = "0.000%"
)

// cell is a cell of a value: a number, a date or a text.
func (x *book) cell(v any) (excelize.Cell, error) {
	c := excelize.Cell{Value: v}
	format := ""
	switch v := v.(type) {
	case int64:
		format = formatCount
	case float64:
		format = formatShare
	case Decimal:
		c.Value, format = number(v)
	case day:
		c.Value = visibleLines(string(v))
		if t, err := time.Parse(time.DateOnly, string(v)); err == nil && t.Year() >= 1901 {
			c.Value, format = t, formatDate
		}
	case string:
		c.Value = visibleLines(v)
	}
	if format == "" {
		return c, nil
	}
	id, err := x.style(format, false)
	c.StyleID = id
	return c, err
}

// day is a text that may be a date.
type day string

// number is an amount as a number, if that has all of its digits, and its format; else a text.
func number(d Decimal) (value any, format string) {
	switch {
	case d.IsZero():
		return nil, ""
	case !d.Exact():
		return d.String(), ""
	case d.Scale() == 0:
		return d.Float64(), formatCount
	}
	format = formatCount
	if _, fraction, ok := strings.Cut(shorter(d, 2), "."); ok {
		format += "." + strings.Repeat("0", min(len(fraction), 15))
	}
	return d.Float64(), format
}

func (x *book) row(values []any) ([]any, error) {
	cells := make([]any, len(values))
	for i, v := range values {
		c, err := x.cell(v)
		if err != nil {
			return nil, err
		}
		cells[i] = c
	}
	return cells, nil
}

// sheet writes a sheet row by row, its header first.
type sheet struct {
	x    *book
	out  *excelize.StreamWriter
	rows int64
}

func (x *book) sheet(name string, widths []float64, header []string) (*sheet, error) {
	out, err := x.f.NewStreamWriter(name)
	if err != nil {
		return nil, err
	}
	for i, width := range widths {
		if err := out.SetColWidth(i+1, i+1, width); err != nil {
			return nil, err
		}
	}
	s := &sheet{x: x, out: out}
	if header == nil {
		return s, nil
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	return s, s.header(header...)
}

func (s *sheet) header(names ...string) error {
	bold, err := s.x.style("", true)
	if err != nil {
		return err
	}
	cells := make([]any, len(names))
	for i, name := range names {
		cells[i] = excelize.Cell{StyleID: bold, Value: visibleLines(name)}
	}
	return s.put(cells)
}

func (s *sheet) add(values ...any) error {
	cells, err := s.x.row(values)
	if err != nil {
		return err
	}
	return s.put(cells)
}

func (s *sheet) put(cells []any) error {
	s.rows++
	return s.out.SetRow("A"+strconv.FormatInt(s.rows, 10), cells)
}

// breaks writes the sheet of breaks, and gives how many did not go in.
func (x *book) breaks() (left int64, err error) {
	columns := columnsOf(x.n)
	var names []string
	var widths []float64
	for _, c := range columns {
		names, widths = append(names, c.name), append(widths, widthOf[c.name])
		if widths[len(widths)-1] == 0 {
			widths[len(widths)-1] = 14
		}
	}
	s, err := x.sheet(sheetBreaks, widths, names)
	if err != nil {
		return 0, err
	}
	if x.n.All != nil {
		for b, err := range x.n.All {
			if err != nil {
				return 0, err
			}
			if s.rows == x.maxRows-1 { // the last is for the note
				left++
				continue
			}
			if err := s.add(breakCells(columns, b)...); err != nil {
				return 0, err
			}
		}
	}
	last, err := excelize.CoordinatesToCellName(len(columns), int(s.rows))
	if err != nil {
		return 0, err
	}
	if left > 0 {
		if err := s.add(moreText(left)); err != nil {
			return 0, err
		}
	}
	if err := s.out.Flush(); err != nil {
		return 0, err
	}
	return left, x.f.AutoFilter(sheetBreaks, "A1:"+last, nil)
}

func moreText(left int64) string {
	return "and " + figures.Count(left) + " more, which this sheet has no room for; the CSV has all"
}

var widthOf = map[string]float64{
	"break": 18, "key": 28, "nth": 5, "state": 11, "cause": 12, "outcome": 11, "left": 22, "right": 22, "delta": 16, "unit": 9,
	"before_delta": 16, "opened": 12, "since": 12, "cleared": 12, "nights": 8, "age_days": 10, "reason": 36, "accepted_until": 15,
}

// breakCells are the values of a break as the columns have them.
func breakCells(columns []column, b *Break) []any {
	cells := make([]any, len(columns))
	for i, c := range columns {
		switch c.name {
		case "nth":
			cells[i] = b.Nth
		case "nights":
			cells[i] = b.Nights
		case "age_days":
			if b.AgeDays != nil {
				cells[i] = *b.AgeDays
			}
		case "delta":
			cells[i] = b.Delta
		case "before_delta":
			cells[i] = b.BeforeDelta
		case "opened", "since", "cleared", "accepted_until":
			cells[i] = day(c.text(b))
		default:
			cells[i] = c.text(b)
		}
	}
	return cells
}

// summary writes the sheet that sums the night up; left is how many breaks the sheet of breaks
// has no room for.
func (x *book) summary(left int64) error {
	n := x.n
	s, err := x.sheet(sheetSummary, []float64{26, 18, 18, 20, 20, 12, 12, 20}, nil)
	if err != nil {
		return err
	}
	var rows [][]any
	add := func(values ...any) { rows = append(rows, values) }
	attention := "no"
	if n.Attention {
		attention = "yes"
	}
	add("pipeline", n.Pipeline)
	add("partition", day(n.Partition))
	add("status", string(n.Status))
	add("a person must look", attention)
	for _, w := range n.Why {
		add("", w)
	}
	add("run", n.Run)
	if n.Dataset != "" {
		add("ledger", n.Dataset)
	}
	if n.Rests != "" {
		add("rests on", n.Rests)
	}
	if left > 0 {
		add("breaks", moreText(left))
	}
	if t := n.Sides; t != nil {
		add()
		add(header{"both sides", t.Left.Name + " rows", t.Right.Name + " rows", t.Left.Name + " " + t.Amount, t.Right.Name + " " + t.Amount})
		for _, r := range totalRows(t) {
			add(r.Name, r.Left.Rows, r.Right.Rows, r.Left.Total, r.Right.Total)
		}
		if matched, all := t.MatchedRows(); all > 0 {
			add("matched share of rows", float64(matched)/float64(all))
		}
		if share, ok := t.MatchedAmount(); ok {
			add("matched share of "+t.Amount, share)
		}
		add("balance", t.BalanceText())
	}
	if c := n.Counts; c != nil {
		for _, t := range []countsTable{countTable(n, "cause"), countTable(n, "column")} {
			add()
			add(header{t.Head, "new", "reopened", "changed", "open", "accepted", "cleared", "sum of |delta|", "unit"})
			for _, r := range t.Rows {
				add(r.Name, r.Counts.New, r.Counts.Reopened, r.Counts.Changed, r.Counts.Open, r.Counts.Accepted, r.Counts.Cleared, r.Counts.Delta, r.Unit)
			}
		}
	}
	if len(n.Gates) > 0 {
		add()
		add(header{"gates that did not pass", "stage", "verdict", "observed", "expected"})
		for _, g := range n.Gates {
			add(g.Name, g.Stage, string(g.Verdict), g.Observed, g.Expected)
		}
	}
	for _, r := range rows {
		if len(r) == 1 {
			if h, ok := r[0].(header); ok {
				if err := s.header(h...); err != nil {
					return err
				}
				continue
			}
		}
		if err := s.add(r...); err != nil {
			return err
		}
	}
	return s.out.Flush()
}

// header is a row of names.
type header []string

// trend writes the sheet of the nights, and charts beside it.
func (x *book) trend() error {
	s, err := x.sheet(sheetTrend, []float64{14, 15, 12, 12, 12, 20}, []string{"partition", "matched share", "open", "new", "cleared", "sum of |delta|"})
	if err != nil {
		return err
	}
	whole := func(n *int64) any {
		if n == nil {
			return nil
		}
		return *n
	}
	for _, p := range x.n.Trend {
		var matched any
		if p.Share != nil {
			matched = *p.Share
		}
		if err := s.add(day(p.Partition), matched, whole(p.Open), whole(p.New), whole(p.Cleared), p.Delta); err != nil {
			return err
		}
	}
	if err := s.out.Flush(); err != nil {
		return err
	}
	if len(x.n.Trend) < 2 {
		return nil
	}
	if err := x.f.AutoFilter(sheetTrend, fmt.Sprintf("A1:F%d", s.rows), nil); err != nil {
		return err
	}
	for i, c := range []struct {
		column, title string
		kind          excelize.ChartType
	}{{"B", "matched share", excelize.Line}, {"C", "open breaks", excelize.Line}, {"D", "new breaks", excelize.Col}} {
		err := x.f.AddChart(sheetTrend, fmt.Sprintf("H%d", 2+16*i), &excelize.Chart{
			Type: c.kind, Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: c.title}}}, Legend: excelize.ChartLegend{Position: "none"},
			Dimension: excelize.ChartDimension{Width: 520, Height: 290},
			Series: []excelize.ChartSeries{{
				Name: fmt.Sprintf("%s!$%s$1", sheetTrend, c.column), Categories: fmt.Sprintf("%s!$A$2:$A$%d", sheetTrend, s.rows),
				Values: fmt.Sprintf("%s!$%s$2:$%s$%d", sheetTrend, c.column, c.column, s.rows),
			}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settled writes the parts of a workbook in one order and without times: the library that makes it
// does not promise any.
func settled(w io.Writer, book []byte) error {
	z, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		return err
	}
	files := slices.Clone(z.File)
	slices.SortFunc(files, func(a, b *zip.File) int {
		return cmp.Or(cmp.Compare(boolInt(a.Name != typesPart), boolInt(b.Name != typesPart)), cmp.Compare(a.Name, b.Name))
	})
	out := zip.NewWriter(w)
	for _, f := range files {
		r, err := f.Open()
		if err != nil {
			return err
		}
		err = copyPart(out, f.Name, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return out.Close()
}

// typesPart is the part of a workbook that lists the others.
const typesPart = "[Content_Types].xml"

func copyPart(out *zip.Writer, name string, r io.Reader) error {
	w, err := out.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return err
	}
	if name != typesPart {
		_, err = io.Copy(w, r)
		return err
	}
	var types struct {
		XMLName   xml.Name   `xml:"http://schemas.openxmlformats.org/package/2006/content-types Types"`
		Defaults  []partType `xml:"Default"`
		Overrides []partType `xml:"Override"`
	}
	if err := xml.NewDecoder(r).Decode(&types); err != nil {
		return err
	}
	for _, all := range [][]partType{types.Defaults, types.Overrides} {
		slices.SortFunc(all, func(a, b partType) int {
			return cmp.Or(cmp.Compare(a.Extension, b.Extension), cmp.Compare(a.PartName, b.PartName))
		})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return xml.NewEncoder(w).Encode(types)
}

// partType is the type of a part, or of all with an extension.
type partType struct {
	Extension   string `xml:",attr,omitempty"`
	PartName    string `xml:",attr,omitempty"`
	ContentType string `xml:",attr"`
}
