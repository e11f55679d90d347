package night

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/penstock-data/penstock/pipeline"
)

var rewrite = flag.Bool("rewrite", false, "write what comes out into testdata")

// writers are all formats by the names of their golden files.
func writers() map[string]func(io.Writer, *Night) error {
	return map[string]func(io.Writer, *Night) error{
		"night.txt": func(w io.Writer, n *Night) error { return Text(w, n, 0) }, "night.120.txt": func(w io.Writer, n *Night) error { return Text(w, n, 120) },
		"night.html": HTML, "night.json": JSON, "night.csv": CSV,
	}
}

func written(t *testing.T, n *Night, write func(io.Writer, *Night) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, write := range writers() {
		got := written(t, sample(t), write)
		file := filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got), -rewrite updates it:\n%s", name, diff)
		}
	}
}

func TestTextFits(t *testing.T) {
	for _, width := range []int{1, 60, 80, 120} {
		for line := range strings.SplitSeq(written(t, sample(t), func(w io.Writer, n *Night) error { return Text(w, n, width) }), "\n") {
			if n := utf8.RuneCountInString(line); n > max(width, 60) {
				t.Errorf("width %d: a line has %d letters: %s", width, n, line)
			}
			if strings.ContainsAny(line, "\x1b\u202e\r\t") {
				t.Errorf("width %d: a letter that can't be seen: %q", width, line)
			}
		}
	}
}

// Nothing of the data becomes an element, an attribute or a script.
func TestHTMLEscapes(t *testing.T) {
	n := sample(t)
	n.Pipeline, n.Error, n.Rests, n.Actor, n.Dataset = hostile, hostile, hostile, hostile, hostile
	n.Sides.Left.Name, n.Sides.Amount, n.Sides.Passes[0].Name = hostile, hostile, hostile
	n.Trend[0].Partition, n.Gates[0].Observed, n.Gates[0].At = hostile, hostile, hostile
	n.Causes[0].Cause, n.Columns[0].Column, n.New.Breaks[0].State = hostile, hostile, hostile
	page := written(t, n, HTML)
	if strings.ContainsAny(page, "\x1b\u202e") {
		t.Error("the page has letters that can't be seen")
	}
	known := map[string]bool{"style": true, "class": true}
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		if z.Next() == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				t.Fatal(z.Err())
			}
			break
		}
		tok := z.Token()
		if tok.Type != html.StartTagToken && tok.Type != html.SelfClosingTagToken {
			continue
		}
		if tok.Data == "script" || tok.Data == "link" || tok.Data == "img" || tok.Data == "a" {
			t.Errorf("there is an element %v", tok)
		}
		for _, a := range tok.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" {
				t.Errorf("there is an attribute %v", tok)
			}
			if known[a.Key] && strings.Contains(a.Val, "script") {
				t.Errorf("data is in %v", tok)
			}
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the key is not shown")
	}
}

// No cell is a formula, and numbers stay numbers.
func TestCSVIsSafe(t *testing.T) {
	text := written(t, sample(t), CSV)
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1+38 { // all but what cleared on a night before
		t.Errorf("%d lines", len(all))
	}
	for _, cells := range all[1:] {
		for i, c := range cells {
			if c != "" && strings.ContainsRune("=+-@\t|%", rune(c[0])) && !isNumber(c) {
				t.Errorf("%s is a formula: %q", all[0][i], c)
			}
		}
	}
	if !strings.Contains(text, ",-9900.00,") || !strings.Contains(text, ",1234567890123456.78,") || !strings.Contains(text, ",'-2+3\n") {
		t.Error("a value was changed, or a text was not")
	}
}

// The JSON is what hooks rely on: it reads back as the same.
func TestJSONReadsBack(t *testing.T) {
	n := sample(t)
	text := written(t, n, JSON)
	back := &Night{}
	if err := json.Unmarshal([]byte(text), back); err != nil {
		t.Fatal(err)
	}
	if again := written(t, back, JSON); again != text {
		t.Error(cmp.Diff(text, again))
	}
}

func TestSums(t *testing.T) {
	n := sample(t)
	c := n.Counts
	if c.New != 32 || c.Reopened != 1 || c.Changed != 1 || c.Open != 2 || c.Accepted != 1 || c.Cleared != 1 {
		t.Errorf("counts are %+v", *c)
	}
	// Days of the booking are no amount; what is accepted or cleared is not open.
	if got, want := c.Delta.String(), "1234567890223419.19"; got != want {
		t.Errorf("sum of |delta| is %s, %s expected", got, want)
	}
	var total Counts
	for _, k := range n.Causes {
		total.New += k.New
		total.Cleared += k.Cleared
		total.Delta = total.Delta.Add(k.Delta)
	}
	if total.New != c.New || total.Cleared != c.Cleared || total.Delta.Cmp(c.Delta) != 0 {
		t.Errorf("causes add up to %+v, all are %+v", total, *c)
	}
	if n.New.Total != 33 || len(n.New.Breaks) != 20 || n.New.More() != 13 || n.New.Breaks[0].Key != "INV-1077" {
		t.Errorf("new: %d, %d shown, first %s", n.New.Total, len(n.New.Breaks), n.New.Breaks[0].Key)
	}
	if n.Aged.Total != 2 || n.Aged.Breaks[0].Key != "INV-0800" {
		t.Errorf("aged: %d, first %s", n.Aged.Total, n.Aged.Breaks[0].Key)
	}
	if n.Cleared.Total != 1 || n.Biggest.Total != 36 || len(n.Trend) != TrendNights {
		t.Errorf("cleared %d, open %d, %d nights", n.Cleared.Total, n.Biggest.Total, len(n.Trend))
	}
	if n.Sides.Balance != Balanced {
		t.Errorf("balance: %s: %s", n.Sides.Balance, n.Sides.Gap)
	}
}

// A cent that is missing in many digits is told; of doubles the last digits are not.
func TestBalance(t *testing.T) {
	for _, c := range []struct {
		floats bool
		total  string
		rows   int64
		want   string
	}{
		{false, "91234567890123.45", 508239, Balanced},
		{false, "91234567890123.44", 508239, Unbalanced},
		{true, "91234567890123.44", 508239, Balanced},
		{true, "91235567890123.44", 508239, Unbalanced},
		{true, "91234567890123.45", 508240, Unbalanced},
		{false, "", 508239, Unbalanced},
	} {
		s := sampleSummary(t)
		read := side(t, c.rows, c.total)
		s.Floats, s.Left = c.floats, &read
		n := NewBuilder(sampleRun(), s, Options{}).Night()
		if n.Sides.Balance != c.want {
			t.Errorf("%+v: %s", c, n.Sides.Balance)
		}
		if !n.Attention {
			t.Error("nobody looks")
		}
	}
}

// Whatever is not known has a person look.
func TestAttention(t *testing.T) {
	calm := &pipeline.RunRecord{Status: pipeline.Published}
	quiet := sampleSummary(t)
	known := ledger(t, ledgerSchema, row("00a4;d;k;1;~;missing;only_left;open;2026-10-02;2026-10-02;~;1;0;~;~;1.00;~;~;a"))
	defer known.Release()
	fresh := ledger(t, ledgerSchema,
		row("00a4;d;k;1;~;missing;only_left;reopened;2026-10-02;2026-10-02;~;1;0;~;~;1.00;~;~;a"),
		row("00a5;d;l;1;~;missing;only_left;new;2026-10-02;2026-10-02;~;1;0;~;~;1.00;~;~;a"))
	defer fresh.Release()
	torn := side(t, 508240, "91234567890123.45")
	unbalanced := sampleSummary(t)
	unbalanced.Left = &torn
	build := func(rec *pipeline.RunRecord, f func(b *Builder)) *Night {
		b := NewBuilder(rec, quiet, Options{})
		f(b)
		return b.Night()
	}
	if n := build(calm, func(b *Builder) { b.Of("d"); _ = b.Ledger(known) }); n.Attention {
		t.Error("breaks that everybody knows: ", n.Why)
	}
	n := build(calm, func(b *Builder) { b.Of("d"); _ = b.Ledger(fresh) })
	if n.Attention || len(n.Why) > 0 || n.Counts.New != 1 || n.Counts.Reopened != 1 {
		t.Error("new breaks that no gate objects to: ", n.Why)
	}
	if text := written(t, n, writers()["night.txt"]); !strings.Contains(text, "published, 1 new break, 1 reopened") {
		t.Errorf("nobody hears of them: %s", text)
	}
	for name, n := range map[string]*Night{
		"does not add up": build(calm, func(b *Builder) { b.Of("d"); b.Sides(unbalanced); _ = b.Ledger(known) }),
		"two files":       build(calm, func(b *Builder) { _ = b.Relation(fresh) }),
		"no ledger":       build(calm, func(b *Builder) { b.NoLedger("d", "nothing is published") }),
		"failed":          build(&pipeline.RunRecord{Status: pipeline.Failed}, func(b *Builder) { b.Of("d"); _ = b.Ledger(known) }),
		"blocked":         build(&pipeline.RunRecord{Status: pipeline.Blocked}, func(b *Builder) { b.Of("d"); _ = b.Ledger(known) }),
		"cancelled":       build(&pipeline.RunRecord{Status: pipeline.Cancelled}, func(b *Builder) { b.Of("d"); _ = b.Ledger(known) }),
	} {
		if !n.Attention || len(n.Why) == 0 {
			t.Errorf("%s: nobody looks", name)
		}
		for file, write := range writers() { // each is written of whatever there is
			if text := written(t, n, write); text == "" {
				t.Errorf("%s: %s is empty", name, file)
			}
		}
		written(t, n, XLSX)
	}
}

// No line is wider than the terminal, whatever is written in it.
func TestWideLetters(t *testing.T) {
	for text, want := range map[string]int{"abc": 3, "日本": 4, "한글": 4, "e\u0301": 1, "ключ": 4, "（）": 4, "🙂": 2} {
		if got := letters(text); got != want {
			t.Errorf("letters(%q) = %d, %d expected", text, got, want)
		}
	}
	for most, want := range map[int]string{8: "日本株式", 7: "日本株…", 6: "日本…", 1: "…"} {
		if got := fit("日本株式", most); got != want || letters(got) > most {
			t.Errorf("fit to %d: %q, %q expected", most, got, want)
		}
	}
	b := NewBuilder(sampleRun(), nil, Options{})
	b.Of("d")
	batch := ledger(t, ledgerSchema, row("00a4;d;"+strings.Repeat("東京", 40)+";1;~;missing;only_left;new;2026-10-02;2026-10-02;~;1;0;~;~;1.00;~;"+strings.Repeat("京", 60)+";a"))
	defer batch.Release()
	if err := b.Ledger(batch); err != nil {
		t.Fatal(err)
	}
	text := written(t, b.Night(), writers()["night.txt"])
	for line := range strings.SplitSeq(text, "\n") {
		if letters(line) > usualWidth {
			t.Errorf("%d columns: %s", letters(line), line)
		}
	}
	if strings.Contains(text, "biggest") {
		t.Errorf("the only break is told twice:\n%s", text)
	}
}

func TestShareIsHonest(t *testing.T) {
	for x, want := range map[float64]string{
		1: "100%", 0: "0%", 0.9999999999: "more than 99.999%", 0.99994: "99.994%", 0.5: "50.00%", 0.0000001: "less than 0.001%", 0.9987: "99.87%",
	} {
		if got := share(x); got != want {
			t.Errorf("share(%v) = %s, %s expected", x, got, want)
		}
	}
}

// A summary keeps its bound, and what it counts.
func TestSummaryIsBounded(t *testing.T) {
	n := sample(t)
	whole, err := Summary(n, 1<<20)
	if err != nil || string(whole) != written(t, n, JSON) {
		t.Errorf("what fits is not whole: %v", err)
	}
	long := strings.Repeat("x", 100_000)
	n.Error, n.New.Breaks[3].Left = long, &long
	for i := range 50 {
		n.Why = append(n.Why, fmt.Sprint(i, long))
	}
	short, err := Summary(n, 20_000)
	if err != nil || len(short) > 20_000 {
		t.Fatalf("%d bytes, %v", len(short), err)
	}
	back := &Night{}
	if err := json.Unmarshal(short, back); err != nil || back.New.Total != n.New.Total || back.Counts.New != n.Counts.New || len(back.Why) == 0 {
		t.Errorf("it has %+v, %v", back.Counts, err)
	}
	if len(n.Why) < 50 || len(n.New.Breaks) != 20 {
		t.Error("the night was changed")
	}
}
