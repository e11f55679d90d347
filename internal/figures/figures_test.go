package figures

import "testing"

func TestFigures(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "999": "999", "1000": "1,000", "-999": "-999", "-1000": "-1,000", "1234567.1234": "1,234,567.1234", "-123456.5": "-123,456.5", "12.": "12.",
	} {
		if got := Thousands(text); got != want {
			t.Errorf("%s is written %s, not %s", text, got, want)
		}
	}
	if got := Plural(1, "row", "rows") + ", " + Plural(-1234, "row", "rows"); got != "1 row, -1,234 rows" {
		t.Error(got)
	}
}
