package pipeline

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

func TestTypesRoundTrip(t *testing.T) {
	for _, name := range []string{
		"bool", "int8", "int64", "uint32", "float32", "float64", "string", "binary", "date", "time",
		"timestamp[us]", "timestamp[ns, UTC]", "timestamp[ms, Europe/Berlin]", "duration[s]", "decimal(10, 2)", "list<list<int64>>",
	} {
		typ, err := ParseType(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := TypeName(typ); got != name {
			t.Errorf("%s came back as %s", name, got)
		}
	}
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	if got := TypeName(dict); got != "string" {
		t.Errorf("a dictionary of strings is called %s", got)
	}
}

func TestUnknownTypes(t *testing.T) {
	for name, want := range map[string]string{
		"intt64":         `unknown type "intt64"; did you mean "int64"?`,
		"decimal(40, 2)": `decimal(40, 2): a decimal has 1 to 38 digits, of which at most all are decimals`,
		"list<strin>":    `unknown type "strin"; did you mean "string"?`,
	} {
		if _, err := ParseType(name); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

func TestPartitions(t *testing.T) {
	for _, test := range []struct {
		by          By
		value, want string // want: an error, or what {year}-{month}/{partition} expands to
	}{
		{Month, "2001-07", "2001-07/2001-07"},
		{Day, "2001-07-31", "2001-07/2001-07-31"},
		{Week, "2001-07-30", "2001-07/2001-07-30"},
		{Week, "2001-07-31", `partition "2001-07-31" is a Tuesday; a week is named by its Monday, 2001-07-30`},
		{Month, "2001-7", `partition "2001-7" is not a month; write it like 2026-01`},
		{Month, "2001-07/../../x", `partition "2001-07/../../x" is not a month; write it like 2026-01`},
		{Key, "..", `partition "..": '.' is not allowed; use letters, digits, "_", "-" and "." (not first)`},
		{Key, "a..b", `partition "a..b": ".." is not allowed`},
		{Key, "a/b", `partition "a/b": '/' is not allowed; use letters, digits, "_", "-" and "." (not first)`},
		{Key, "a\x00b", `partition "a\x00b": '\x00' is not allowed; use letters, digits, "_", "-" and "." (not first)`},
		{Key, "", `a partition is needed: name a key`},
		{Key, "eu", `path "{year}-{month}/{partition}": {year} needs partitions by time, these are by key`},
		{Whole, "eu", `partition "eu": this pipeline has no partitions`},
	} {
		p, err := Scheme{By: test.by}.Parse(test.value)
		got := ""
		if err == nil {
			got, err = p.Expand("{year}-{month}/{partition}")
		}
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s %q:\n got %s\nwant %s", test.by, test.value, got, test.want)
		}
	}
}

func TestRangeGoesByTheCalendar(t *testing.T) {
	parts, err := Scheme{By: Month, From: "2000-11", To: "2001-02"}.Range("", "")
	if err != nil || len(parts) != 4 || parts[3].Value != "2001-02" || !parts[0].End.Equal(parts[1].Start) {
		t.Errorf("got %v, %v", parts, err)
	}
	if _, err := (Scheme{By: Day}).Range("2001-02-01", "2001-01-01"); err == nil {
		t.Error("a range that ends before it begins")
	}
	if parts, err = (Scheme{By: Key, Keys: []string{"eu", "us"}}).Range("", ""); err != nil || len(parts) != 2 {
		t.Errorf("got %v, %v", parts, err)
	}
}
