// Package files has what sources of files share: path templates and globs, schemas
// that drift between files, and the rows of one partition.
package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// Drift says what to do when the files of a set have different schemas.
type Drift string

// The policies. Whether strings are kept as a dictionary is no difference.
const (
	// Fail is the default: an error names the files and the first difference.
	Fail Drift = "fail"
	// Evolve gives the columns of all files by name, null where a file has none;
	// integers widen to int64 and floats to float64. Other differences are errors.
	Evolve Drift = "evolve"
)

// Set is a set of files that hold one dataset.
type Set struct {
	// Paths are paths, templates with {partition}, {partition:2006-01}, {year},
	// {month}, {day} or {hour}, and globs; relative to the project.
	Paths []string
	// Written, in place of Paths, are files that we wrote ourselves, by their absolute paths.
	Written []pipeline.File
	// PartitionBy names a date or timestamp column, or in a pipeline with named
	// partitions a string column: only rows of the partition are given.
	PartitionBy string
	// Drift is what to do with different schemas; empty means Fail.
	Drift Drift
}

// String is the canonical text of the set.
func (s Set) String() string {
	text := strings.Join(s.Paths, ", ")
	if s.PartitionBy != "" {
		text += " partition_by " + s.PartitionBy
	}
	if s.Drift != "" && s.Drift != Fail {
		text += " drift " + string(s.Drift)
	}
	return text
}

// Open inspects one file: its schema and its splits.
type Open func(ctx context.Context, env *pipeline.Env, f File) (*Inspected, error)

// File is a file that was found: Abs is where it is, Path what messages call it. It has
// digests where we published it ourselves.
type File struct {
	pipeline.File
	Abs string
}

// Inspected is what Open found.
type Inspected struct {
	pipeline.Input
	// Facts tells what is known of a column's values in each split; nil: nothing.
	Facts func(split int, column string) pipeline.Facts
}

// Resolve finds the files, inspects each, and combines them to one input.
func (s Set) Resolve(ctx context.Context, env *pipeline.Env, open Open) (*pipeline.Input, error) {
	manifests := published{}
	found, err := s.list(env, manifests)
	if err != nil {
		return nil, err
	}
	all, names := make([]*Inspected, len(found)), make([]string, len(found))
	for i, f := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		names[i] = f.Path
		if all[i], err = inspect(ctx, env, f, open); err != nil {
			return nil, err
		}
	}
	in, err := s.combine(names, all)
	if err != nil {
		return nil, err
	}
	in.Approved, in.Tags = manifests.approved(), manifests.tags()
	if s.PartitionBy == "" {
		in.States = manifests.states(env, found)
		return &in.Input, nil
	}
	return s.within(env.Partition, in)
}

// inspect calls open and makes its panics, and plain errors, errors of the file.
func inspect(ctx context.Context, env *pipeline.Env, f File, open Open) (in *Inspected, err error) {
	defer func() {
		if r := recover(); r != nil {
			in, err = nil, &pipeline.Error{Kind: pipeline.BadInput, Where: f.Path, Msg: fmt.Sprintf("is damaged: %v", r)}
		}
	}()
	in, err = open(ctx, env, f)
	if err != nil {
		var e *pipeline.Error
		if errors.As(err, &e) || ctx.Err() != nil {
			return nil, err
		}
		return nil, &pipeline.Error{Kind: pipeline.BadInput, Where: f.Path, Err: err}
	}
	in.Files = []pipeline.File{f.File}
	return in, nil
}

// list finds the files, sorted by path, each once.
func (s Set) list(env *pipeline.Env, manifests published) ([]File, error) {
	var found []File
	for _, w := range s.Written {
		f, err := stat(env.Dir, w.Path)
		if err != nil {
			return nil, err
		}
		if f.Bytes == 0 && w.Bytes != 0 {
			return nil, empty(f)
		}
		f.SHA256, f.Chunks, f.Footer, f.Rows = w.SHA256, w.Chunks, w.Footer, w.Rows
		found = append(found, f)
	}
	for _, template := range s.Paths {
		pattern, err := env.Partition.Expand(template)
		if err != nil {
			return nil, err
		}
		paths := []string{pattern}
		if strings.ContainsAny(pattern, "*?[") {
			if paths, err = glob(env.Dir, pattern); err != nil {
				return nil, err
			}
		}
		for _, p := range paths {
			f, err := stat(env.Dir, p)
			if err != nil {
				return nil, err
			}
			if manifests != nil {
				if err := manifests.describe(&f); err != nil {
					return nil, err
				}
			}
			if f.Bytes == 0 && f.SHA256 == "" {
				return nil, empty(f)
			}
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(found, func(a, b File) bool { return a.Path == b.Path }), nil
}

func glob(dir, pattern string) ([]string, error) {
	paths, err := filepath.Glob(join(dir, pattern))
	if err != nil {
		return nil, pipeline.Errorf(pipeline.Invalid, "%q is not a glob: %w", pattern, err)
	}
	if len(paths) == 0 {
		return nil, missing(dir, pattern)
	}
	for i, p := range paths {
		if !filepath.IsAbs(pattern) {
			if p, err = filepath.Rel(dir, p); err != nil {
				return nil, err
			}
		}
		paths[i] = filepath.ToSlash(p)
	}
	return paths, nil
}

func stat(dir, name string) (File, error) {
	abs := join(dir, name)
	info, err := os.Stat(abs)
	bad := func(what string) (File, error) {
		return File{}, &pipeline.Error{Kind: pipeline.BadInput, Where: name, Msg: what}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return File{}, missing(dir, name)
	case errors.Is(err, fs.ErrPermission):
		return bad("permission denied")
	case err != nil:
		return File{}, err
	case info.IsDir():
		return bad("is a directory; name its files, like " + path.Join(name, "*"))
	case !info.Mode().IsRegular():
		return bad("is a pipe or a device; only regular files are read, because they can be read again")
	}
	return File{pipeline.File{Path: name, Bytes: info.Size(), Rows: -1, Modified: info.ModTime()}, abs}, nil
}

// empty is of a file without a byte, of which nothing on record says that it was written so, as JSON
// lines of no row are: whoever made it may not have got further.
func empty(f File) error {
	return &pipeline.Error{Kind: pipeline.BadInput, Where: f.Path, Msg: "is empty (0 bytes)"}
}

// missing says what was looked for and where, and what there is instead.
func missing(dir, pattern string) error {
	e := pipeline.Errorf(pipeline.BadInput, "no file matches %s", pattern)
	parent := path.Dir(pattern)
	entries, err := os.ReadDir(join(dir, parent))
	if err != nil {
		return e.With("there is no directory " + parent + " in " + dir)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if near := pipeline.Nearest(path.Base(pattern), names); near != "" {
		return e.With("the nearest there is " + path.Join(parent, near))
	}
	return e.With(fmt.Sprintf("%s in %s holds %d other files", parent, dir, len(names)))
}

func join(dir, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, filepath.FromSlash(name))
}
