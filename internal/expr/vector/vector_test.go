package vector

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The automaton says what package regexp says.
func TestMatcher(t *testing.T) {
	texts := []string{"", "a", "b", "ab", "aab", "abc", "ABC", "A1C", "carrier 12", "carrier ", "xcarrier 12", "\n", "a\nb", "é", "aé", "(", "a.b", "foo@bar.com", strings.Repeat("a", 100), "2001-03-04", "aaaab", "\x00", "Z9", "zz"}
	compiled := 0
	for _, e := range []string{
		"", "a", "^a", "a$", "^a$", "^$", "^", "$", "a*", "^a*$", "(a|b)+c", "^carrier [0-9]+$", "[0-9]{2}", "^[A-Z0-9]{3}$", "^[^@]+@[^@]+\\.[a-z]{2,}$", "a.b", "(?s)a.b", "(?i)abc", "x|^b|c$",
		"^(a|ab)(c|bc)?$", "\\d{4}-\\d{2}-\\d{2}", "\\ba\\b", "(?m)^b$", "é", "[^a]", "a{3,5}b", "(^a|b$)", "$^", "a$b", "b^", "(a*)*", "\\Aab\\z", "^\\s*$", ".*", ".+x", "((a|b)*c|d)$", "^(?:$|a)",
	} {
		re := regexp.MustCompile(e)
		if newDFA(e) != nil {
			compiled++
		}
		match := Matcher(re)
		for _, s := range texts {
			if got, want := match(s), re.MatchString(s); got != want {
				t.Errorf("%q on %q: %v, want %v", e, s, got, want)
			}
		}
	}
	if compiled < 28 {
		t.Errorf("only %d expressions became tables", compiled)
	}
}

func FuzzMatcher(f *testing.F) {
	for _, e := range []string{"^[A-Z0-9]{3}$", "(a|b)*c$", "^$|a", "a{2,3}"} {
		f.Add(e, "abc")
		f.Add(e, "")
	}
	f.Fuzz(func(t *testing.T, expression, text string) {
		if len(expression) > 40 {
			return
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return
		}
		if got, want := Matcher(re)(text), re.MatchString(text); got != want {
			t.Fatalf("%q on %q: %v, want %v", expression, text, got, want)
		}
	})
}

// Parts of instants are what package time says, in every unit.
func TestParts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, unit := range []Unit{Days, Seconds, Millis, Micros, Nanos} {
		var v, out Vector
		const n = 1000
		v.Start(Time, n)
		v.Unit = unit
		for i := range n {
			v.Ints[i] = int64(r.Uint64()) >> r.IntN(64)
			if unit != Nanos {
				v.Ints[i] %= TimeLimit(unit)
			}
		}
		v.Ints[0], v.Ints[1] = 0, -1
		if unit == Nanos {
			v.Ints[2], v.Ints[3] = math.MinInt64, math.MaxInt64
		}
		at := func(x int64) time.Time {
			if unit <= Seconds {
				return time.Unix(x*int64(Seconds/unit), 0).UTC()
			}
			per := int64(unit / Seconds)
			return time.Unix(floorDiv(x, per), (x-floorDiv(x, per)*per)*(1_000_000_000/per)).UTC()
		}
		for part, want := range map[Part]func(time.Time) int{
			Year: time.Time.Year, Month: func(t time.Time) int { return int(t.Month()) }, Day: time.Time.Day, Hour: time.Time.Hour, Minute: time.Time.Minute,
			Second: time.Time.Second, Millisecond: func(t time.Time) int { return t.Nanosecond() / 1_000_000 }, DayOfWeek: func(t time.Time) int { return int(t.Weekday()) },
			DayOfYear: func(t time.Time) int { return t.YearDay() - 1 }, Weekday: func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 },
			Week: func(t time.Time) int { _, week := t.ISOWeek(); return week }, Quarter: func(t time.Time) int { return (int(t.Month())-1)/3 + 1 },
		} {
			out.Start(Int, n)
			Parts(part, 0)(&out, []*Vector{&v}, n, nil)
			for i, x := range v.Ints[:n] {
				if got := out.Ints[i]; got != int64(want(at(x))) {
					t.Fatalf("part %d of %d in %d a day: %d, want %d (%v)", part, x, unit, got, want(at(x)), at(x))
				}
			}
		}
	}
}
