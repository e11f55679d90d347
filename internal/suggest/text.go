package suggest

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/internal/report"
)

// steps are the first digits of nice numbers.
var steps = []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10}

// niceUp is the least nice number that is at least x.
func niceUp(x float64) float64 {
	if x < 0 {
		return -niceDown(-x)
	}
	return nice(x, func(step, digits float64) bool { return step >= digits*(1-1e-12) }, steps)
}

// niceDown is the greatest nice number that is at most x.
func niceDown(x float64) float64 {
	if x < 0 {
		return -niceUp(-x)
	}
	down := slices.Clone(steps)
	slices.Reverse(down)
	return nice(x, func(step, digits float64) bool { return step <= digits*(1+1e-12) }, down)
}

func nice(x float64, fits func(step, digits float64) bool, among []float64) float64 {
	if x == 0 {
		return 0
	}
	exp := math.Floor(math.Log10(x))
	digits := x / math.Pow(10, exp)
	for _, step := range among {
		if fits(step, digits) {
			// By way of its text it is the number that people would write.
			v, _ := strconv.ParseFloat(strconv.FormatFloat(step, 'g', -1, 64)+"e"+strconv.Itoa(int(exp)), 64)
			return v
		}
	}
	return x
}

// plain writes a number as a pipeline file has it.
func plain(x float64) string {
	if size := math.Abs(x); x == 0 || size < 1e15 && size >= 1e-6 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func readable(x float64) string { return report.Number(x) }

var (
	// bare is what YAML takes for a text without quotes, wherever it stands.
	bare   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*( [A-Za-z0-9_.]+)*$`)
	inCEL  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	unsafe = regexp.MustCompile(`[^A-Za-z0-9_]+`)
)

// words mean something else in YAML.
var words = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"}

// reserved may not be names in CEL.
var reserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
	"package", "namespace", "null", "return", "true", "var", "void", "while",
}

// yamlText writes a text in YAML, with quotes where they are needed.
func yamlText(s string) string {
	if bare.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return quoted(s)
}

// quoted writes a text in quotes, on one line.
func quoted(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == 0xfeff || r == 0x85 || r == 0x2028 || r == 0x2029
	}) {
		return strconv.Quote(s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// Ident is a column in CEL.
func Ident(column string) string {
	if inCEL.MatchString(column) && !slices.Contains(reserved, column) {
		return column
	}
	return "col(" + strconv.Quote(column) + ")"
}

// plainName makes a text a name of a rule.
func plainName(s string) string { return strings.Trim(unsafe.ReplaceAllString(s, "_"), "_") }
