package published

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// version is a version of a partition that a run reads.
type version struct {
	ref      pipeline.PartitionRef
	manifest *pipeline.Manifest
	digest   string
	files    []pipeline.File // by where they are
}

// Resolve implements pipeline.Source.
func (s Source) Resolve(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	refs, err := s.Needs(env.Partition.Scheme(), env.Partition)
	if err != nil {
		return nil, err
	}
	found, missing, err := s.find(env, refs)
	if err != nil {
		return nil, err
	}
	out := &pipeline.Input{Whole: true}
	if len(found) > 0 {
		if out, err = s.read(ctx, env, found); err != nil {
			return nil, err
		}
	} else if out.Schema = s.Schema; s.Schema == nil {
		out.Schema = arrow.NewSchema(nil, nil)
	}
	out.States = stored(env, refs, found)
	out.Published, out.Tags = s.records(refs, found, missing), map[string][]string{}
	for _, v := range found {
		v.manifest.TagsInto(out.Tags)
	}
	for _, r := range out.Published {
		out.Approved = append(out.Approved, r.Approved...)
	}
	slices.Sort(out.Approved)
	out.Approved = slices.Compact(out.Approved)
	return out, s.declared(out)
}

// declared is an error if what is published has other columns than the source says.
func (s Source) declared(in *pipeline.Input) error {
	if s.Schema == nil {
		return nil
	}
	want, got := columns(s.Schema), columns(in.Schema)
	if slices.Equal(want, got) {
		return nil
	}
	return pipeline.Errorf(pipeline.Invalid, "%s has other columns than its schema here says", s.Path()).
		With("published: "+strings.Join(got, ", "), "schema: "+strings.Join(want, ", "))
}

func columns(s *arrow.Schema) (all []string) {
	for _, f := range s.Fields() {
		all = append(all, f.Name+" "+pipeline.TypeName(pipeline.ValueType(f.Type)))
	}
	return all
}

// find gives the versions that are current of the partitions, and those that are missing.
func (s Source) find(env *pipeline.Env, refs []pipeline.PartitionRef) (found []version, missing map[string]bool, err error) {
	missing = map[string]bool{}
	var needed []string
	for _, ref := range refs {
		v, err := current(env, ref)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing[ref.Partition.String()] = true
			if !ref.Optional {
				needed = append(needed, ref.Partition.String())
			}
		case err != nil:
			return nil, nil, err
		default:
			found = append(found, v)
		}
	}
	switch n := len(needed); {
	case n == 1:
		err = pipeline.Errorf(pipeline.BadInput, "%s@%s is not published", s.Path(), needed[0])
	case n > 1:
		err = pipeline.Errorf(pipeline.BadInput, "%d of %d partitions of %s are not published: %s", n, len(refs), s.Path(), pipeline.Several(needed))
	default:
		return found, missing, nil
	}
	return nil, nil, err.(*pipeline.Error).With("run what publishes them first, or set `missing: skip` to do without") //nolint:errorlint // made above
}

// current finds the version of a partition that the run reads: the one that is pinned for it,
// or what readers see.
func current(env *pipeline.Env, ref pipeline.PartitionRef) (v version, err error) {
	v.ref = ref
	name := func(f string) string { return f }
	dir := visible(env, ref)
	if env.Pin != nil {
		v.manifest, v.digest, dir, err = env.Pin(ref.Dataset, ref.Partition.Dir())
	} else {
		v.manifest, v.digest, err = files.Manifest(dir)
		name = path.Base
	}
	if err != nil {
		return v, err
	}
	if m := v.manifest; m.Format != pipeline.ManifestFormat || m.Partition != ref.Partition.String() {
		return v, pipeline.Errorf(pipeline.BadInput, "the manifest of %s is of partition %s, in format %d; %s in format %d is expected",
			ref, m.Partition, m.Format, ref.Partition, pipeline.ManifestFormat).With("`penstock verify` tells what else is not as it was published")
	}
	for _, f := range v.manifest.Files {
		abs := filepath.Join(dir, filepath.FromSlash(name(f.Path)))
		if err := sized(ref, abs, f); err != nil {
			return v, err
		}
		f.Path = abs
		if rel, err := filepath.Rel(env.Dir, abs); err == nil && filepath.IsLocal(rel) {
			f.Path = filepath.ToSlash(rel)
		}
		v.files = append(v.files, f)
	}
	return v, nil
}

func visible(env *pipeline.Env, ref pipeline.PartitionRef) string {
	return filepath.Join(env.Dir, filepath.FromSlash(ref.Dataset), ref.Partition.Dir())
}

// sized is an error if a file is not as large as it was published.
func sized(ref pipeline.PartitionRef, path string, f pipeline.File) error {
	info, err := os.Stat(path)
	what := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what = "is gone"
	case err != nil:
		return err
	case info.Size() != f.Bytes:
		what = fmt.Sprintf("has %d bytes, and was published with %d", info.Size(), f.Bytes)
	default:
		return nil
	}
	return &pipeline.Error{
		Kind: pipeline.BadInput, Where: ref.String(), Msg: filepath.Base(path) + " " + what,
		Evidence: []string{"`penstock verify` tells what else is not as it was published"},
	}
}

// formats read what stages write.
var formats = []pipeline.Format{parquet.Format{}, csv.Format{}, jsonl.Format{}, ipc.Format{}}

// read makes one input of the versions.
func (s Source) read(ctx context.Context, env *pipeline.Env, found []version) (*pipeline.Input, error) {
	var names []string
	var all []*pipeline.Input
	for _, v := range found {
		if len(v.files) == 0 {
			continue // it has no rows
		}
		in, err := v.open(ctx, env)
		if err != nil {
			return nil, err
		}
		names, all = append(names, v.ref.String()), append(all, in)
	}
	if len(all) == 0 {
		schema, err := found[0].schema()
		return &pipeline.Input{Schema: schema, Whole: true}, err
	}
	return files.Set{Drift: s.Drift}.Combine(names, all)
}

// open inspects the files of one version.
func (v version) open(ctx context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	schema, err := v.schema()
	ext := path.Ext(v.files[0].Path)
	if typed := ext == ".parquet" || ext == ".arrow"; err != nil && !typed { // those tell their types themselves
		return nil, err
	}
	i := slices.IndexFunc(formats, func(f pipeline.Format) bool { return f.Ext() == ext })
	if i < 0 {
		return nil, pipeline.Errorf(pipeline.BadInput, "%s: there is no reader for %s files", v.ref, ext)
	}
	in, err := formats[i].Source(schema, v.files...).Resolve(ctx, env)
	if err != nil {
		return nil, err
	}
	return in, nil
}

// schema is that of the manifest.
func (v version) schema() (*arrow.Schema, error) {
	var fields []arrow.Field
	for _, f := range v.manifest.Schema {
		t, err := pipeline.ParseType(f.Type)
		if err != nil {
			return nil, pipeline.Errorf(pipeline.BadInput, "%s: column %s: %w", v.ref, f.Name, err)
		}
		fields = append(fields, arrow.Field{Name: f.Name, Type: t, Nullable: f.Nullable})
	}
	return arrow.NewSchema(fields, nil), nil
}

// stored is what gates found of the rows when they were published, if these are all rows of
// one partition, and the run believes its manifest.
func stored(env *pipeline.Env, refs []pipeline.PartitionRef, found []version) map[string]json.RawMessage {
	if len(refs) != 1 || len(found) != 1 || env.Believes == nil || !env.Believes(visible(env, refs[0]), found[0].digest) {
		return nil
	}
	return found[0].manifest.Metrics
}

// records say what was read, in order, and what was missing.
func (s Source) records(refs []pipeline.PartitionRef, found []version, missing map[string]bool) []pipeline.InputRecord {
	all := make([]pipeline.InputRecord, 0, len(refs))
	for _, ref := range refs {
		rec := pipeline.InputRecord{Dataset: ref.Dataset, Partition: ref.Partition.String()}
		if rec.Missing = missing[rec.Partition]; !rec.Missing {
			v := found[0]
			found = found[1:]
			rec.Version, rec.Manifest, rec.Data, rec.Approved = v.manifest.Version, v.digest, v.manifest.DataDigest(), v.manifest.ApprovedGates()
		}
		all = append(all, rec)
	}
	return all
}
