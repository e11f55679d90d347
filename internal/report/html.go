package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
)

//go:embed page.css
var pageStyle string

//go:embed page.html
var pageText string

// maxFiles is how many input files, and how many lines of a list, a page shows.
const maxFiles = 100

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"count": figures.Count, "bytes": Bytes, "seconds": Seconds, "moment": moment, "share": share, "percent": percent,
		"short": short, "class": func(f pipeline.Finding) string { return gradeOf(f).class() },
		"icon":    func(f pipeline.Finding) string { return gradeOf(f).icon() },
		"verdict": verdictText, "worst": worstFirst, "trouble": trouble, "outcome": Outcome, "counts": gateCounts,
		"strip": strip, "status": statusOf, "statuses": statusCounts, "heat": heatChart, "decided": decided,
		"failed": failedLines, "groups": groupsText, "sample": sampleMore, "measures": measuresOf, "metric": measureText,
		"trend": trendChart, "bins": binsChart, "spark": sparkChart, "lines": visibleLines, "join": strings.Join,
		"first": first, "more": more, "named": named, "both": both,
	}).Parse(pageText))
})

// page is what the template is given.
type page struct {
	Title   string
	Style   template.CSS
	Records []*pipeline.RunRecord
}

// HTML writes the records as one page that needs nothing else: no script, no font, no
// picture. Of several partitions it starts with all of them at a glance.
func HTML(w io.Writer, records []*pipeline.RunRecord) error {
	p := page{Title: "penstock", Style: template.CSS(pageStyle), Records: records}
	if len(records) > 0 {
		p.Title = records[0].Pipeline
	}
	if len(records) == 1 {
		p.Title = fmt.Sprintf("%s %s: %s", records[0].Pipeline, records[0].Partition, records[0].Status)
	}
	var b bytes.Buffer
	if err := pageTemplate().Execute(&b, p); err != nil {
		return err
	}
	_, err := io.WriteString(w, visible(b.String(), true))
	return err
}

// badge is a word with its letter and class.
type badge struct {
	Icon, Word, Class string
	N                 int
}

func statusOf(rec *pipeline.RunRecord) badge {
	g := statusGrade(rec.Status)
	return badge{Icon: g.icon(), Word: string(rec.Status), Class: g.class()}
}

// strip is how many findings there are of each grade that has some, the worst first.
func strip(found []pipeline.Finding) []badge {
	var all []badge
	for i, n := range tally(found) {
		if g := grade(i); n > 0 {
			all = append(all, badge{g.icon(), g.word(), g.class(), n})
		}
	}
	return all
}

// trouble reports whether a finding, or anything of a run, is to be looked at.
func trouble(what any) bool {
	switch what := what.(type) {
	case pipeline.Finding:
		g := gradeOf(what)
		return g != gradePassed && g != gradeSkipped
	case *pipeline.RunRecord:
		return statusGrade(what.Status) != gradePassed || len(troubled(what)) > 0
	}
	return false
}

func decided(f pipeline.Finding) string { return strings.TrimPrefix(DecidedBy(f), "decided by: ") }

// percent is n of total as the width of a bar.
func percent(n, total int64) string {
	if total <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.1f", 100*min(float64(n)/float64(total), 1))
}

// sampleMore is how many rows failed beside those that are named.
func sampleMore(f pipeline.Finding) int64 {
	left := f.RowsFailed
	for _, s := range f.Samples {
		left -= max(s.Rows, 1)
	}
	return max(left, 0)
}

// visibleLines are the lines of a list of texts.
func visibleLines(texts []string) []string {
	var all []string
	for _, t := range texts {
		all = append(all, strings.Split(t, "\n")...)
	}
	return all
}

// first are as many files as a page shows, and more how many it does not.
func first(files []pipeline.File) []pipeline.File { return files[:min(len(files), maxFiles)] }

func more(files []pipeline.File) int { return max(len(files)-maxFiles, 0) }

// about is a finding with the run it is of.
type about struct {
	Record  *pipeline.RunRecord
	Finding pipeline.Finding
}

func both(rec *pipeline.RunRecord, f pipeline.Finding) about { return about{rec, f} }
