package report

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/penstock-data/penstock/internal/figures"
	"github.com/penstock-data/penstock/pipeline"
)

// maxAnnotations is how many errors, and how many warnings, GitHub shows of a step.
const maxAnnotations = 10

// annotation is a workflow command of GitHub.
type annotation struct {
	level, title, text string // level is "error" or "warning"
	at                 pipeline.Pos
}

// GitHub writes what blocked, failed or warns as annotations at its place in the pipeline
// file, the worst first and no more than GitHub shows, and says how many are left out.
// Files that are not absolute are below base, a directory of the repository; it may be
// empty.
func GitHub(w io.Writer, records []*pipeline.RunRecord, base string) error {
	var b strings.Builder
	left := map[string]int{}
	shown := map[string]int{}
	for _, a := range annotations(records) {
		if shown[a.level] == maxAnnotations {
			left[a.level]++
			continue
		}
		shown[a.level]++
		a.at.File = below(base, a.at.File)
		b.WriteString(a.String() + "\n")
	}
	if left["error"]+left["warning"] > 0 {
		fmt.Fprintf(&b, "::notice title=penstock::%s and %s are not shown: GitHub takes %d of each; the summary of the step has the others\n",
			figures.Plural(int64(left["error"]), "error", "errors"), figures.Plural(int64(left["warning"]), "warning", "warnings"), maxAnnotations)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// annotations are those of all records, by grade: first runs that failed.
func annotations(records []*pipeline.RunRecord) []annotation {
	var all []annotation
	for _, rec := range records {
		if !finished(rec.Status) {
			all = append(all, annotation{
				"error", fmt.Sprintf("%s %s %s", rec.Pipeline, rec.Partition, rec.Status), visible(failure(rec), true), placeOf(rec),
			})
		}
	}
	for _, g := range []grade{gradeBlocked, gradeError, gradeApproved, gradeWarned} {
		level := "error"
		if g == gradeApproved || g == gradeWarned {
			level = "warning"
		}
		for _, rec := range records {
			for _, f := range rec.Gates {
				if gradeOf(f) == g {
					title := fmt.Sprintf("%s/%s: %s", f.Stage, f.Name, verdictText(f))
					all = append(all, annotation{level, title, block(rec, f), f.At})
				}
			}
		}
	}
	return all
}

// below puts a relative file under a directory.
func below(base, file string) string {
	if base == "" || file == "" || path.IsAbs(file) {
		return file
	}
	return path.Join(base, file)
}

func (a annotation) String() string {
	var properties []string
	add := func(name, v string) {
		properties = append(properties, name+"="+property.Replace(visible(v, false)))
	}
	if a.at.File != "" {
		add("file", a.at.File)
	}
	if a.at.Line > 0 {
		add("line", fmt.Sprint(a.at.Line))
	}
	if a.at.Col > 0 {
		add("col", fmt.Sprint(a.at.Col))
	}
	add("title", a.title)
	return fmt.Sprintf("::%s %s::%s", a.level, strings.Join(properties, ","), message.Replace(a.text))
}

// What workflow commands take for their own.
var (
	message  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
