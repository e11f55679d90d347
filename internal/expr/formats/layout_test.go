package formats

import (
	"math/rand/v2"
	"testing"
	"time"
)

// layouts are pairs that mean the same to strftime and to package time, both to the letter.
var layouts = map[string]string{
	"%Y-%m-%d": "2006-01-02", "%F %T": "2006-01-02 15:04:05", "%d.%m.%Y %H:%M": "02.01.2006 15:04", "%Y%m%dT%H%M%S%z": "20060102T150405Z0700",
	"%B %e, %Y": "January _2, 2006", "%a, %d %b %Y %T": "Mon, 02 Jan 2006 15:04:05", "%A %d %B %Y": "Monday 02 January 2006", "%Y-%j": "2006-002",
	"%m/%d/%Y %I:%M:%S %p": "01/02/2006 03:04:05 PM", "%D": "01/02/06", "%H:%M:%S.%f": "15:04:05.000000", "%%%Y%%": "%2006%",
}

// What package time writes is read as what it was.
func TestLayouts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for text, layout := range layouts {
		l, err := NewLayout(text)
		if err != nil {
			t.Fatal(err)
		}
		for range 2000 {
			at := time.Unix(r.Int64N(253_402_300_800+62_135_596_800)-62_135_596_800, r.Int64N(1_000_000)*1000).UTC()
			written := at.Format(layout)
			want, err := time.Parse(layout, written)
			if text == "%H:%M:%S.%f" {
				want = want.AddDate(1970, 0, 0)
			}
			if got, ok := l.Parse(written); err != nil || !ok || !got.Equal(want) {
				if text == "%D" && !ok == (want.Month() == 2 && want.Day() == 29) {
					continue // of a century that has no such day
				}
				t.Fatalf("%s: %q is %v, %v, want %v, %v", text, written, got, ok, want, err)
			}
		}
	}
}

func TestLayoutOf(t *testing.T) {
	for _, test := range []struct{ layout, text, want string }{
		{"%-d/%-m/%Y", "4/3/2001", "2001-03-04T00:00:00Z"},
		{"%-d/%-m/%Y", "04/03/2001", "2001-03-04T00:00:00Z"},
		{"%d/%m/%Y", "4/3/2001", ""},
		{"%d/%m/%Y", "31/04/2001", ""},
		{"%d/%m/%Y", "00/04/2001", ""},
		{"%d/%m/%Y", "01/00/2001", ""},
		{"%d/%m/%Y", "01/01/0000", ""},
		{"%y", "68", "2068-01-01T00:00:00Z"},
		{"%y", "69", "1969-01-01T00:00:00Z"},
		{"%d %b %Y", "04 mar 2001", "2001-03-04T00:00:00Z"},
		{"%a %F", "Mon 2001-03-04", ""},
		{"%a %F", "sun 2001-03-04", "2001-03-04T00:00:00Z"},
		{"%a", "Mon", "1970-01-01T00:00:00Z"},
		{"%F %j", "2001-03-04 063", "2001-03-04T00:00:00Z"},
		{"%F %j", "2001-03-04 064", ""},
		{"%Y %j", "2001 366", ""},
		{"%Y %-j", "2001 7", "2001-01-07T00:00:00Z"},
		{"%I %p", "12 am", "1970-01-01T00:00:00Z"},
		{"%I %p", "12 PM", "1970-01-01T12:00:00Z"},
		{"%I %p", "13 PM", ""},
		{"%I %p", "00 AM", ""},
		{"%H", "24", ""},
		{"%M", "60", ""},
		{"%S", "60", ""},
		{"%S.%f", "01.5", "1970-01-01T00:00:01.5Z"},
		{"%S.%f", "01.1234567", ""},
		{"%F%z", "0001-01-01+01:00", ""},
		{"%F%z", "2001-03-04+0130", "2001-03-03T22:30:00Z"},
		{"%F%z", "2001-03-04-01", "2001-03-04T01:00:00Z"},
		{"%F", "2001-03-04 ", ""},
		{"%F", "", ""},
		{"%F", "２００１-03-04", ""},
	} {
		l, err := NewLayout(test.layout)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if at, ok := l.Parse(test.text); ok {
			got = at.Format(time.RFC3339Nano)
		}
		if got != test.want {
			t.Errorf("%s: %q is %q, want %q", test.layout, test.text, got, test.want)
		}
	}
}

func TestLayoutMistakes(t *testing.T) {
	for layout, want := range map[string]string{
		"YYYY-MM-DD": `layout "YYYY-MM-DD" names no part of a date; write it like %Y-%m-%d`,
		"":           `layout "" names no part of a date; write it like %Y-%m-%d`,
		"%Y-%q":      `layout "%Y-%q": unknown verb "%q"; known are %Y %y %m %b %B %d %e %j %H %I %p %M %S %f %a %A %z %F %T %R %D`,
		"%Y-%-Y":     `layout "%Y-%-Y": unknown verb "%-Y"; known are %Y %y %m %b %B %d %e %j %H %I %p %M %S %f %a %A %z %F %T %R %D`,
		"%Y %y":      `layout "%Y %y" has the year twice`,
		"%Y%":        `layout "%Y%": a % at its end; %% stands for one`,
		"%I":         `layout "%I": %I and %p need each other`,
	} {
		if _, err := NewLayout(layout); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", layout, err, want)
		}
	}
}

// Whatever the text, it is a date just where package time reads it and writes it the same.
func FuzzLayout(f *testing.F) {
	strict := []string{"%Y-%m-%d", "%F %T", "%d.%m.%Y %H:%M", "%Y-%j", "%%%Y%%"}
	for _, s := range []string{"2001-03-04", "2001-03-04 05:06:07", "04.03.2001 05:06", "2001-063", "2001-02-29", "%2001%"} {
		f.Add("%F", s)
		f.Add("%a %-d %b %y %I%p%z", s)
	}
	f.Fuzz(func(t *testing.T, layout, s string) {
		for _, text := range strict {
			l, _ := NewLayout(text)
			want, err := time.Parse(layouts[text], s)
			is := err == nil && want.Format(layouts[text]) == s && want.Year() >= 1
			if got, ok := l.Parse(s); ok != is || ok && !got.Equal(want) {
				t.Errorf("%s: %q: %v, %v, want %v, %v", text, s, got, ok, want, is)
			}
		}
		if l, err := NewLayout(layout); err == nil {
			if at, ok := l.Parse(s); ok && (at.Year() < 1 || at.Year() > 9999) {
				t.Errorf("%q: %q is %v", layout, s, at)
			}
		}
	})
}
