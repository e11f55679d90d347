package gates

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/expr"
	"github.com/penstock-data/penstock/pipeline"
)

// fileMetrics are those of the files that a source reads.
var fileMetrics = []metricFunc{
	{MetricFunc: ofFiles("files", arrow.PrimitiveTypes.Int64), files: func(f []pipeline.File) any { return int64(len(f)) }},
	{MetricFunc: ofFiles("file_names", arrow.ListOf(arrow.BinaryTypes.String)), files: fileNames},
	{MetricFunc: ofFiles("file_bytes", arrow.PrimitiveTypes.Int64), files: func(f []pipeline.File) any { return fileBytes(f, func(a, b int64) int64 { return a + b }) }},
	{MetricFunc: ofFiles("smallest_file", arrow.PrimitiveTypes.Int64), files: func(f []pipeline.File) any { return fileBytes(f, func(a, b int64) int64 { return min(a, b) }) }},
	{MetricFunc: ofFiles("largest_file", arrow.PrimitiveTypes.Int64), files: func(f []pipeline.File) any { return fileBytes(f, func(a, b int64) int64 { return max(a, b) }) }},
	{MetricFunc: ofFiles("newest_file", arrow.FixedWidthTypes.Timestamp_us), files: newestFile},
	{MetricFunc: ofFiles("files_seen", arrow.PrimitiveTypes.Int64), past: filesSeen},
}

// filesSeen counts the files whose content some past partition was made of already, told by
// their digests. A file that comes again under another name is seen.
func filesSeen(past *history, source string, files []pipeline.File) any {
	digests := map[string]int64{}
	for _, f := range files {
		digests[f.SHA256]++
	}
	seen := int64(0)
	for m, err := range past.manifests() {
		if err != nil {
			return err
		}
		for _, in := range m.Inputs {
			for _, f := range in.Files {
				if in.Name == source {
					seen += digests[f.SHA256]
					delete(digests, f.SHA256)
				}
			}
		}
	}
	return seen
}

// withDigests are the files with the digests of their content.
func withDigests(ctx context.Context, files []pipeline.File, env *pipeline.Env) ([]pipeline.File, error) {
	files = slices.Clone(files)
	for i, f := range files {
		if f.SHA256 != "" {
			continue
		}
		digest, err := pipeline.HashFile(ctx, filepath.Join(env.Dir, filepath.FromSlash(f.Path)))
		if err != nil {
			return nil, err
		}
		files[i].SHA256 = digest
	}
	return files, nil
}

// ofFiles is a metric whose one argument is the name of a source.
func ofFiles(name string, t arrow.DataType) expr.MetricFunc { return withInputs(fn(name, always(t))) }

func fileNames(files []pipeline.File) any {
	names := []string{}
	for _, f := range files {
		names = append(names, path.Base(f.Path))
	}
	slices.Sort(names)
	return names
}

// fileBytes brings the sizes of files together; nil if there is none.
func fileBytes(files []pipeline.File, f func(a, b int64) int64) any {
	if len(files) == 0 {
		return nil
	}
	total := files[0].Bytes
	for _, file := range files[1:] {
		total = f(total, file.Bytes)
	}
	return total
}

func newestFile(files []pipeline.File) any {
	var newest time.Time
	for _, f := range files {
		if f.Modified.After(newest) {
			newest = f.Modified
		}
	}
	if newest.IsZero() {
		return nil
	}
	return newest.UTC()
}
