package csv

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// guess is a type that the fields of a column may all be of.
type guess struct {
	typ  arrow.DataType
	fits func(string) bool
}

var (
	paddedNumber = regexp.MustCompile(`^[+-]?0\d`)
	utc          = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	guesses      = []guess{
		{arrow.PrimitiveTypes.Int64, func(s string) bool {
			_, err := strconv.ParseInt(s, 10, 64)
			return err == nil && !paddedNumber.MatchString(s) && s[0] != '+'
		}},
		{arrow.PrimitiveTypes.Float64, func(s string) bool {
			_, err := strconv.ParseFloat(s, 64)
			return err == nil && !paddedNumber.MatchString(s) && s[0] != '+'
		}},
		{arrow.FixedWidthTypes.Boolean, func(s string) bool { return s == "true" || s == "false" }},
		{arrow.FixedWidthTypes.Date32, func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }},
		{utc, func(s string) bool { _, ok := parseTime(s); return ok }},
		{arrow.BinaryTypes.String, func(string) bool { return true }},
	}
)

// timeLayouts are the ways in which a timestamp is read.
var timeLayouts = []string{
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00",
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// infer gives the schema of a file: what is declared, and what its first rows are.
func (s Source) infer(ctx context.Context, l *lines) (*arrow.Schema, error) {
	fields := make([]arrow.Field, len(l.names))
	open := make([]bool, len(fields))
	left := 0
	for i, name := range l.names {
		fields[i] = arrow.Field{Name: name, Nullable: true}
		if s.Schema != nil && s.Schema.HasField(name) {
			fields[i].Type = s.Schema.Field(s.Schema.FieldIndices(name)[0]).Type
			continue
		}
		open[i] = true
		left++
	}
	at := make([]int, len(fields)) // the guess that fits so far
	seen := make([]bool, len(fields))
	for row := 0; row < inferRows && left > 0; row++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		record, err := l.next()
		if err == io.EOF { //nolint:errorlint // identity: next gives it bare
			break
		}
		if err != nil {
			return nil, err
		}
		for i, text := range record {
			if !open[i] || text == "" || slices.Contains(s.Null, text) {
				continue
			}
			seen[i] = true
			for !guesses[at[i]].fits(text) {
				at[i]++
			}
		}
	}
	for i := range fields {
		switch {
		case !open[i]:
		case !seen[i]:
			fields[i].Type = arrow.BinaryTypes.String
		default:
			fields[i].Type = guesses[at[i]].typ
		}
	}
	return arrow.NewSchema(fields, nil), nil
}
