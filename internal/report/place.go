package report

import (
	"regexp"
	"strconv"

	"github.com/penstock-data/penstock/pipeline"
)

// place is how an error starts that has one in a pipeline file.
var place = regexp.MustCompile(`^([^\s:][^\n:]*):(\d{1,9}):(\d{1,9}): `)

// placeOf is where the error of a run stands in its pipeline file; just the file if it
// does not say.
func placeOf(rec *pipeline.RunRecord) pipeline.Pos {
	m := place.FindStringSubmatch(rec.Error)
	if m == nil {
		return pipeline.Pos{File: visible(rec.File, false)}
	}
	line, _ := strconv.Atoi(m[2]) // nine digits fit
	col, _ := strconv.Atoi(m[3])
	return pipeline.Pos{File: visible(m[1], false), Line: line, Col: col}
}

// failure is why a run did not finish.
func failure(rec *pipeline.RunRecord) string {
	if rec.Error == "" {
		return string(rec.Status)
	}
	return rec.Error
}
