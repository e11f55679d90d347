package penstock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/internal/trace"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// tracedFile is a file that rows came from.
type tracedFile struct {
	in      *pipeline.Input
	problem string // why its rows can't be read
}

// origin gives the row of a file, or of a version, that a trace file tells of.
func (t *tracing) origin(ctx context.Context, v *tracedVersion, o trace.Origin) (*TracedRow, error) {
	r := &TracedRow{Input: o.Input.Name, File: o.File(), RowGroup: o.Split.Group - 1, Row: o.Row}
	rec, file := inputOf(v.versionAt, o)
	if rec == nil {
		r.Problem = "the manifest of " + v.ref() + " does not name the file"
		return r, nil
	}
	if o.Row < 0 {
		r.Problem = fmt.Sprintf("row %d of a part of the file of which it is not known where it begins", o.At)
	}
	r.Input = rec.Name
	if file != nil {
		if _, _, version := publish.Located(file.Path); version > 0 && path.Base(path.Dir(file.Path)) == string(publish.Quarantine) {
			r.Untraced = "the row was released from quarantine; its " + pipeline.SourceColumn + " and " + pipeline.RowColumn + " say where it came from"
		}
		r.key = file.Path + " " + file.SHA256
		return r, t.outside(ctx, v, rec, file)
	}
	r.Dataset, r.Partition, r.Version = rec.Dataset, rec.Partition, rec.Version
	up, err := t.upstream(ctx, rec, o.File())
	if err != nil {
		return nil, err
	}
	if up == nil {
		r.Problem = fmt.Sprintf("version %d of %s@%s is not kept any more", rec.Version, rec.Dataset, rec.Partition)
		return r, nil
	}
	if r.Problem != "" {
		return r, nil
	}
	i := slices.IndexFunc(up.manifest.Files, func(f pipeline.File) bool { return path.Base(f.Path) == path.Base(o.File()) })
	if i < 0 {
		r.Problem = "its version has no such file"
		return r, nil
	}
	own := t.rowOf(up, up.kept(up.manifest.Files)[i].Path, o.Row)
	own.Input, own.RowGroup = r.Input, r.RowGroup
	return own, nil
}

// inputOf finds the record of what a row came from: with the file, of files from outside.
func inputOf(v *versionAt, o trace.Origin) (*pipeline.InputRecord, *pipeline.File) {
	inputs := v.manifest.Inputs
	for _, named := range []bool{true, false} {
		for i := range inputs {
			rec := &inputs[i]
			if named != (rec.Name == o.Input.Name) {
				continue
			}
			for j := range rec.Files {
				if rec.Files[j].Path == o.File() {
					return rec, &rec.Files[j]
				}
			}
			if rec.Dataset != "" && holds(rec, o.File()) {
				return rec, nil
			}
		}
	}
	return nil, nil
}

// holds reports whether a file is of the version that a record names.
func holds(rec *pipeline.InputRecord, file string) bool {
	dataset, dir := located(rec, file)
	return dataset == rec.Dataset && (dir == "" || partitionOf(dir) == rec.Partition)
}

// traceName is what trace files call a file: one of a kept version by its place in the
// dataset, whatever version that is.
func traceName(file string) string {
	_, dir, version := publish.Located(file)
	if version == 0 || path.Base(path.Dir(file)) != string(publish.Data) {
		return file
	}
	return path.Join(dir, string(publish.Data), path.Base(file))
}

// located says of which dataset and directory of a partition a file is, of the input that a
// record names.
func located(rec *pipeline.InputRecord, file string) (dataset, dir string) {
	if above := path.Dir(file); path.Base(above) == string(publish.Data) {
		if dir = path.Dir(above); dir == "." {
			dir = ""
		}
		return rec.Dataset, dir
	}
	if dir = path.Dir(file); dir == rec.Dataset {
		return rec.Dataset, ""
	}
	return path.Dir(dir), path.Base(dir)
}

// partitionOf is the value of a partition, of its directory: "2001-03" of "month=2001-03".
func partitionOf(dir string) string {
	_, value, _ := strings.Cut(dir, "=")
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// upstream opens the version that a record names, or one that has the same data: where that was
// traced and the other was not, or is not kept any more. It is nil where none is kept.
func (t *tracing) upstream(ctx context.Context, rec *pipeline.InputRecord, file string) (*tracedVersion, error) {
	_, dir := located(rec, file)
	visible := path.Join(rec.Dataset, dir)
	key := fmt.Sprint(visible, " ", rec.Version)
	if known, ok := t.versions[key]; ok {
		return known, nil
	}
	kept, err := t.p.publish.Versions(rec.Dataset, dir)
	if err != nil {
		return nil, err
	}
	best, most := -1, -1
	for i, k := range kept {
		named := k.Manifest.Version == rec.Version && k.Digest == rec.Manifest
		if !named && k.Manifest.DataDigest() != rec.Data {
			continue
		}
		worth := 0
		if len(k.Manifest.Lineage) > 0 {
			worth = 2
		}
		if named {
			worth++
		}
		if worth >= most { // the latest of those that are alike
			best, most = i, worth
		}
	}
	t.versions[key] = nil
	if best >= 0 {
		t.versions[key], err = t.open(ctx, &versionAt{published{kept[best].Manifest, kept[best].Digest}, visible})
	}
	return t.versions[key], err
}

// outside opens a file that the project does not publish, once it is known to be what was read.
func (t *tracing) outside(ctx context.Context, v *tracedVersion, rec *pipeline.InputRecord, file *pipeline.File) error {
	key := file.Path + " " + file.SHA256
	if t.files[key] != nil {
		return nil
	}
	f := &tracedFile{}
	t.files[key] = f
	sum, err := pipeline.HashFile(ctx, t.p.path(file.Path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.problem = "the file is gone"
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		f.problem = "the file can't be read: " + err.Error()
		return nil
	case sum != file.SHA256:
		f.problem = "the file has changed since it was read: its SHA-256 is " + short(sum) + ", and was " + short(file.SHA256)
		return nil
	}
	source, why := t.reader(v, rec, *file)
	if source == nil {
		f.problem = why
		return nil
	}
	if f.in, err = source.Resolve(ctx, t.env); err != nil {
		f.problem = err.Error()
	}
	return ctx.Err()
}

// reader gives the source that reads one file of an input as the pipeline did.
func (t *tracing) reader(v *tracedVersion, rec *pipeline.InputRecord, file pipeline.File) (pipeline.Source, string) {
	file.Chunks, file.Footer = nil, ""
	alone := files.Set{Written: []pipeline.File{file}}
	kind, _, _ := strings.Cut(rec.Source, " ")
	switch {
	case kind == "parquet" || strings.HasSuffix(file.Path, ".parquet"):
		return parquet.Source{Set: alone}, ""
	case kind == "ipc" || strings.HasSuffix(file.Path, ".arrow"):
		return ipc.Source{Set: alone}, ""
	}
	pl, err := t.pipeline(v.manifest)
	if err != nil {
		return nil, "its columns can't be told: " + err.Error()
	}
	part, err := pl.Partitions.Parse(v.manifest.Partition)
	if err != nil {
		return nil, "its columns can't be told: " + err.Error()
	}
	for _, s := range pl.Sources {
		if s.Name != rec.Name || s.Reads(part) != rec.Source {
			continue
		}
		switch s := s.Source.(type) {
		case csv.Source:
			s.Set = alone
			return s, ""
		case jsonl.Source:
			s.Set = alone
			return s, ""
		}
	}
	return nil, "its columns can't be told: pipeline " + v.manifest.Pipeline + " does not read it any more as it did (" + rec.Source + ")"
}

// fill reads the columns of rows, file by file.
func (t *tracing) fill(ctx context.Context, rows []*TracedRow) error {
	byFile := map[*tracedFile][]*TracedRow{}
	var order []*tracedFile
	for _, r := range rows {
		if r.Problem != "" || r.Row < 0 {
			continue
		}
		f, err := t.fileOf(ctx, r)
		if err != nil {
			return err
		}
		if r.Problem = f.problem; r.Problem != "" {
			continue
		}
		if byFile[f] == nil {
			order = append(order, f)
		}
		byFile[f] = append(byFile[f], r)
	}
	for _, f := range order {
		if err := t.fillFrom(ctx, f.in, byFile[f]); err != nil {
			return err
		}
	}
	return nil
}

// fileOf gives the file a row is in.
func (t *tracing) fileOf(ctx context.Context, r *TracedRow) (*tracedFile, error) {
	if r.version == nil {
		return t.files[r.key], nil
	}
	if f := t.files[r.File]; f != nil {
		return f, nil
	}
	f := &tracedFile{}
	t.files[r.File] = f
	v := r.version
	for _, kept := range v.kept(v.manifest.Files) {
		if kept.Path != r.File {
			continue
		}
		var err error
		if kept.Chunks == nil {
			sum, herr := pipeline.HashFile(ctx, t.p.path(kept.Path))
			if err = herr; err == nil && sum != kept.SHA256 {
				f.problem = "the file is not as it was published: `penstock verify` tells more"
				return f, nil
			}
		}
		if err == nil {
			f.in, err = t.p.written(ctx, v.versionAt, []pipeline.File{kept}, false, t.formatOf(v.manifest))
		}
		if err != nil {
			f.problem = err.Error()
		}
	}
	return f, ctx.Err()
}

// fillFrom reads rows of one file.
func (t *tracing) fillFrom(ctx context.Context, in *pipeline.Input, rows []*TracedRow) error {
	want := map[int64][]*TracedRow{}
	for _, r := range rows {
		want[r.Row] = append(want[r.Row], r)
	}
	firsts := in.Firsts()
	for i := range in.Splits {
		if err := t.fillSplit(ctx, &in.Splits[i], firsts[i], want); err != nil {
			return err
		}
	}
	for row, all := range want {
		for _, r := range all {
			r.Problem = "the file has no row " + fmt.Sprint(row)
		}
	}
	return nil
}

// fillSplit takes what a split has of the rows that are wanted.
func (t *tracing) fillSplit(ctx context.Context, s *pipeline.Split, first int64, want map[int64][]*TracedRow) error {
	var places []int64 // of the rows that are read; nil: all
	var r pipeline.Reader
	var err error
	if s.Rows >= 0 {
		keep := make([]bool, s.Rows)
		for row := range want {
			if at := row - first; at >= 0 && at < s.Rows {
				keep[at] = true
				places = append(places, row)
			}
		}
		if len(places) == 0 {
			return nil
		}
		slices.Sort(places)
		if s.OpenSome != nil {
			r, err = s.OpenSome(ctx, t.env, nil, keep)
		} else {
			places = nil
		}
	}
	if r == nil && err == nil {
		r, err = s.Open(ctx, t.env, nil)
	}
	if err != nil {
		return err
	}
	seen := int64(0)
	return pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		for i := range b.NumRows() {
			row := first + seen + i
			if places != nil {
				row = places[seen+i]
			}
			for _, r := range want[row] {
				r.Values, r.RowGroup = b.NewSlice(i, i+1), s.RowGroup-1
			}
			delete(want, row)
		}
		seen += b.NumRows()
		return nil
	})
}
