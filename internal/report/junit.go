package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// The elements of JUnit's XML, as Jenkins and surefire have them. Attributes that they
// require are never left out.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name      string       `xml:"name,attr"`
		Class     string       `xml:"classname,attr"`
		Time      string       `xml:"time,attr"`
		File      string       `xml:"file,attr,omitempty"`
		Line      int          `xml:"line,attr,omitempty"`
		Skipped   *junitReason `xml:"skipped"`
		Error     *junitReason `xml:"error"`
		Failure   *junitReason `xml:"failure"`
		SystemOut string       `xml:"system-out,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the records as JUnit XML: a suite is pipeline and partition, a case a gate.
// What blocked is a failure, what could not be judged an error; a warning, and what was
// approved of, passes with its text. A run that did not finish has a case of its own.
func JUnit(w io.Writer, records []*pipeline.RunRecord) error {
	all := junitSuites{Name: "penstock"}
	var seconds float64
	for _, rec := range records {
		s := suiteOf(rec)
		all.Tests, all.Failures = all.Tests+s.Tests, all.Failures+s.Failures
		all.Errors, all.Skipped = all.Errors+s.Errors, all.Skipped+s.Skipped
		seconds += rec.Seconds
		all.Suites = append(all.Suites, s)
	}
	all.Time = junitTime(seconds)
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func junitTime(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }

func suiteOf(rec *pipeline.RunRecord) junitSuite {
	s := junitSuite{Name: visible(rec.Pipeline+" "+rec.Partition, false), Time: junitTime(rec.Seconds)}
	if !rec.Started.IsZero() {
		s.Timestamp = rec.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for _, p := range [][2]string{
		{"run", rec.Run},
		{"status", string(rec.Status)},
		{"actor", rec.Actor},
		{"commit", rec.Commit},
		{"rows_in", fmt.Sprint(rec.RowsIn)},
		{"rows_out", fmt.Sprint(rec.RowsOut)},
		{"rows_quarantined", fmt.Sprint(rec.RowsQuarantined)},
	} {
		if p[1] != "" {
			s.Properties = append(s.Properties, junitProperty{p[0], visible(p[1], false)})
		}
	}
	for _, f := range rec.Gates {
		s.add(caseOf(rec, f))
	}
	if !finished(rec.Status) {
		s.add(unfinished(rec))
	}
	return s
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func caseOf(rec *pipeline.RunRecord, f pipeline.Finding) junitCase {
	c := junitCase{
		Name: visible(f.Name, false), Class: visible(rec.Pipeline+"."+f.Stage, false), Time: junitTime(0),
		File: visible(f.At.File, false), Line: f.At.Line,
	}
	reason := &junitReason{
		Message: fmt.Sprintf("%s, %s expected", oneLine(f.Observed), oneLine(f.Expected)),
		Type:    string(f.Verdict),
		Text:    block(rec, f),
	}
	switch gradeOf(f) {
	case gradeBlocked:
		c.Failure = reason
	case gradeError:
		c.Error = reason
	case gradeSkipped:
		c.Skipped = &junitReason{Message: reason.Message}
	case gradeWarned, gradeApproved:
		c.SystemOut = reason.Text
	}
	return c
}

// block is a finding with all its lines, as the command line prints it.
func block(rec *pipeline.RunRecord, f pipeline.Finding) string {
	return strings.Join(append([]string{Headline(rec.Partition, f)}, Lines(rec, f)...), "\n\t")
}

// unfinished is the case of a run that failed or was cancelled.
func unfinished(rec *pipeline.RunRecord) junitCase {
	text := visible(failure(rec), true)
	first, _, _ := strings.Cut(text, "\n")
	at := placeOf(rec)
	return junitCase{
		Name: "run", Class: visible(rec.Pipeline, false), Time: junitTime(rec.Seconds), File: at.File, Line: at.Line,
		Error: &junitReason{Message: first, Type: string(rec.Status), Text: text},
	}
}
