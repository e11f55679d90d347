package published

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Map says which partitions of a dataset, that is cut otherwise, belong to one of the
// pipeline.
type Map string

// The mappings. Same is the default: both are cut alike.
const (
	Same   Map = ""
	Within Map = "within" // all that lie in it: the days of a month
	Whole  Map = "whole"  // the one that it lies in: the month of a day
)

// Source reads published partitions of a dataset, the oldest first.
type Source struct {
	// Dataset is its directory, relative to the project.
	Dataset string
	// Partitions are how the dataset is cut; nil: as the pipeline that reads it.
	Partitions *pipeline.Scheme
	// Map says how its partitions and the pipeline's go together.
	Map Map
	// Last is how many partitions are read, in a row; 0: 1. They are the dataset's, or with
	// Within the pipeline's.
	Last int
	// Offset is which of them is the last: 0 that of the run, -1 the one before.
	Offset int
	// Skip does without partitions that are not published; else they are an error.
	Skip bool
	// Drift is what to do if partitions have different schemas; empty means Fail.
	Drift files.Drift
	// Schema, if it is not nil, are the columns that the dataset has, and stands for it where
	// none of its partitions is published.
	Schema *arrow.Schema
}

// Dataset is the source of the partition of the run.
func Dataset(dir string) Source { return Source{Dataset: dir} }

// String implements pipeline.Source.
func (s Source) String() string {
	text := "dataset " + s.Path()
	if s.Partitions != nil {
		text += " " + s.Partitions.String()
	}
	if s.Map != Same {
		text += " map " + string(s.Map)
	}
	if s.Last > 1 {
		text += fmt.Sprintf(" last %d", s.Last)
	}
	if s.Offset != 0 {
		text += fmt.Sprintf(" offset %d", s.Offset)
	}
	if s.Skip {
		text += " missing skip"
	}
	if s.Drift != "" && s.Drift != files.Fail {
		text += " drift " + string(s.Drift)
	}
	if s.Schema != nil {
		var cols []string
		for _, f := range s.Schema.Fields() {
			cols = append(cols, f.Name+" "+pipeline.TypeName(f.Type))
		}
		text += " schema " + strings.Join(cols, ", ")
	}
	return text
}

// Path is the directory of the dataset, with slashes.
func (s Source) Path() string { return path.Clean(filepath.ToSlash(s.Dataset)) }

func name(by pipeline.By) string {
	if by == pipeline.Whole {
		return "whole"
	}
	return string(by)
}
