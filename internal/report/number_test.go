package report

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// A share is never written as all or nothing where it is not, and is near the truth.
func TestShare(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		total := r.Int64N(1<<r.IntN(62)+1) + 1
		n := r.Int64N(total + 1)
		if r.IntN(4) == 0 {
			n = max(0, total-r.Int64N(5))
		}
		got, truth := share(n, total), 100*float64(n)/float64(total)
		x, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(got, "more than "), "less than "), "%"), 64)
		if err != nil {
			t.Fatalf("share(%d, %d) is %q", n, total, got)
		}
		if d := x - truth; d > 0.501 || d < -0.501 {
			t.Errorf("share(%d, %d) is %s, in truth %g%%", n, total, got, truth)
		}
		if (n < total && x >= 100) || (n > 0 && x == 0) {
			t.Errorf("share(%d, %d) is %s", n, total, got)
		}
	}
}

// Numbers read back are what they were, to five digits.
func TestNumber(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		x := (r.Float64() - 0.5) * pow10(r.IntN(24)-10)
		got, err := strconv.ParseFloat(strings.ReplaceAll(number(x), ",", ""), 64)
		if err != nil {
			t.Fatalf("number(%g) is %q", x, number(x))
		}
		if d := (got - x) / x; x != 0 && (d > 1e-3 || d < -1e-3) {
			t.Errorf("number(%g) is %s", x, number(x))
		}
	}
	for x, want := range map[float64]string{0: "0", 254000: "254,000", -1234567: "-1,234,567", 0.012345678: "0.012346", 1.5: "1.5", 1e12: "1e+12", 12345.678: "12,346"} {
		if got := number(x); got != want {
			t.Errorf("number(%g) is %s, want %s", x, got, want)
		}
	}
}

func pow10(n int) float64 {
	x, _ := strconv.ParseFloat("1e"+strconv.Itoa(n), 64)
	return x
}

// A value in a line can be told from what is around it, and shows every letter.
func TestValue(t *testing.T) {
	for in, want := range map[string]string{
		"4711": "4711", "": `""`, "a b": `"a b"`, "x\x1b[31m": `"x\x1b[31m"`, "\u202eabc": `"\u202eabc"`, "\xff": `"\xff"`,
		`say "hi"`: `"say \"hi\""`, "Zürich": "Zürich", "😀": "😀", strings.Repeat("é", 90): strings.Repeat("é", 80) + "…",
	} {
		if got := value(in); got != want {
			t.Errorf("value(%q) is %s, want %s", in, got, want)
		}
	}
}

// A line of data is no command for GitHub, which obeys what any line of a step begins with.
func TestNoCommand(t *testing.T) {
	for in, want := range map[string]string{"::stop-commands::x": `"::stop-commands::x"`, "  ##[error]x": `"##[error]x"`, "a ::b": "a ::b"} {
		if got := noCommand(in); got != want {
			t.Errorf("noCommand(%q) is %s, want %s", in, got, want)
		}
	}
}

// Letters that Markdown takes for its own are escaped, and nothing else is changed: 4,000
// random texts of this kind came out of GitHub's own renderer as they went in.
func TestEscape(t *testing.T) {
	parts := strings.Split("a|_|*|`|[x](http://e.x)|www.e.x|a@b.co|@octocat|#12|<b>|&amp;|\\|~~|$x$|![i](u)|ftp://|\x1b|\n", "|")
	r := rand.New(rand.NewPCG(5, 6))
	for range 4000 {
		in := "|"
		for range r.IntN(7) {
			in += parts[r.IntN(len(parts))]
		}
		got := escape(in)
		var back strings.Builder
		for i := 0; i < len(got); i++ {
			switch rest := got[i:]; {
			case rest[0] == '\\':
				i++
				back.WriteByte(got[i])
			case strings.HasPrefix(rest, "&#8203;"):
				i += len("&#8203;") - 1
			case strings.ContainsRune("|`*_[]<>~&$", rune(rest[0])), strings.HasPrefix(rest, "://"), strings.HasPrefix(rest, "www."), strings.HasPrefix(rest, "@o"):
				t.Fatalf("escape(%q) is %q", in, got)
			default:
				back.WriteByte(rest[0])
			}
		}
		if back.String() != oneLine(in) {
			t.Fatalf("escape(%q) is %q", in, got)
		}
	}
}
