package audit

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
)

//go:embed report.html
var pageText string

//go:embed report.css
var pageStyle string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"moment": moment, "class": classOf, "period": period, "short": short, "plain": plain,
	}).Parse(pageText))
})

// WriteHTML writes the report as one page that needs nothing else: no script, no font, no picture.
func (l *Ledger) WriteHTML(w io.Writer) error {
	return pageTemplate().Execute(w, struct {
		*Ledger
		Style template.CSS
	}{l, template.CSS(pageStyle)})
}

// classOf is the colour of how a run ended.
func classOf(r Row) string {
	switch {
	case r.Act == Approved || len(r.Overridden) > 0:
		return "approved"
	case r.Status == "published" || r.Status == "unchanged":
		if len(r.Verdicts) > 0 {
			return "warned"
		}
		return "passed"
	case r.Status == "blocked":
		return "blocked"
	}
	return "error"
}

// period says which time the report is of.
func period(from, to time.Time) string {
	switch {
	case from.IsZero() && to.IsZero():
		return "everything on record"
	case from.IsZero():
		return "until " + moment(to)
	case to.IsZero():
		return "since " + moment(from)
	}
	return moment(from) + " to " + moment(to)
}

// plain takes letters out that have no shape, or turn the direction of others around.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.Is(unicode.Cf, r) || unicode.IsControl(r)) {
			return '\uFFFD'
		}
		return r
	}, s)
}
