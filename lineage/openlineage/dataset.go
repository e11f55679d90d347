package openlineage

import (
	"strconv"

	"github.com/penstock-data/penstock/pipeline"
)

func schema(fields []pipeline.SchemaField) *Schema {
	s := &Schema{Base: facet("1-2-0", "SchemaDatasetFacet"), Fields: []Field{}}
	for i, f := range fields {
		s.Fields = append(s.Fields, Field{f.Name, f.Type, i + 1})
	}
	return s
}

// readFiles counts what was read of files. Rows are told where all files say theirs.
func readFiles(all []pipeline.File) *Statistics {
	var rows, known int64
	for _, f := range all {
		if f.Rows >= 0 {
			rows += f.Rows
			known++
		}
	}
	n, bytes := int64(len(all)), bytesOf(all)
	s := &Statistics{Base: facet("1-0-0", "InputStatisticsInputDatasetFacet"), Bytes: &bytes, Files: &n}
	if known == n && n > 0 {
		s.Rows = &rows
	}
	return s
}

func bytesOf(all []pipeline.File) (n int64) {
	for _, f := range all {
		n += f.Bytes
	}
	return n
}

// plus adds up; what one of them does not know is not known.
func (s *Statistics) plus(other *Statistics) *Statistics {
	if s == nil || other == nil {
		return nil
	}
	add := func(a, b *int64) *int64 {
		if a == nil || b == nil {
			return nil
		}
		n := *a + *b
		return &n
	}
	return &Statistics{s.Base, add(s.Rows, other.Rows), add(s.Bytes, other.Bytes), add(s.Files, other.Files)}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// firstOf is the first of two that isn't empty.
func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
