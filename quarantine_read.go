package penstock

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

// formats are those of files that are read back, by the ending of their names.
var formats = map[string]pipeline.Format{
	".parquet": parquet.Format{}, ".csv": csv.Format{}, ".jsonl": jsonl.Format{}, ".ndjson": jsonl.Format{}, ".arrow": ipc.Format{},
}

// env is what files are read with outside of a run.
func (p *Project) env() *pipeline.Env {
	return &pipeline.Env{
		Dir: p.dir, Workers: 1, Memory: pipeline.NewBudget(p.opts.Memory), Now: p.clock.Now, Alloc: memory.DefaultAllocator, Recorded: p.recorded,
	}
}

// stored resolves files of a version, data or quarantine. Their digests are checked as they
// are read, where the manifest has them by parts.
func (p *Project) stored(ctx context.Context, v *versionAt, quarantine bool, own pipeline.Format) (*pipeline.Input, error) {
	written := v.files()
	if quarantine {
		written = v.quarantine()
	}
	return p.written(ctx, v, written, quarantine, own)
}

// written resolves files of a version, wherever they lie.
func (p *Project) written(ctx context.Context, v *versionAt, written []pipeline.File, quarantine bool, own pipeline.Format) (*pipeline.Input, error) {
	ext := path.Ext(written[0].Path)
	format := formats[ext]
	if own != nil && own.Ext() == ext {
		format = own
	}
	if format == nil {
		return nil, pipeline.Errorf(pipeline.IO, "%s can't be read back: files of %s are of a format of your own", written[0].Path, v.manifest.Dataset)
	}
	schema, err := schemaOf(v.manifest, ext)
	if err != nil {
		return nil, err
	}
	if quarantine {
		schema = pipeline.QuarantineSchema(schema)
	}
	return format.Source(schema, written...).Resolve(ctx, p.env())
}

// schemaOf is the schema of a version, as far as its files, of this ending, don't have it.
func schemaOf(m *pipeline.Manifest, ext string) (*arrow.Schema, error) {
	var fields []arrow.Field
	for _, f := range m.Schema {
		t, err := pipeline.ParseType(f.Type)
		if err != nil && (ext == ".csv" || ext == ".jsonl") {
			return nil, pipeline.Errorf(pipeline.Invalid, "%s: column %q is %s, which can't be read back from %s", m.Dataset, f.Name, f.Type, ext[1:]).
				With("publish it as parquet or ipc, which keep the types of columns")
		}
		if err != nil {
			t = arrow.Null
		}
		fields = append(fields, arrow.Field{Name: f.Name, Type: t, Nullable: f.Nullable})
	}
	return arrow.NewSchema(fields, nil), nil
}

// asideRow is a quarantined row, in a batch with some of its columns.
type asideRow struct {
	batch arrow.RecordBatch
	row   int
	n     int64 // among all of the version
	split int
}

// value gives the text of a column; "" where it is null or not there.
func (r asideRow) value(column string) string {
	found := r.batch.Schema().FieldIndices(column)
	if len(found) == 0 || r.batch.Column(found[0]).IsNull(r.row) {
		return ""
	}
	switch a := r.batch.Column(found[0]).(type) {
	case *array.String:
		return a.Value(r.row)
	default:
		return a.ValueStr(r.row)
	}
}

func (r asideRow) rules() []string {
	if v := r.value(pipeline.RulesColumn); v != "" {
		return strings.Split(v, ",")
	}
	return nil
}

// eachAside reads columns of the quarantined rows of a version, in their order.
func (p *Project) eachAside(ctx context.Context, v *versionAt, columns []string, f func(asideRow) error) error {
	in, err := p.stored(ctx, v, true, nil)
	if err != nil {
		return err
	}
	return eachRow(ctx, in, p.env(), present(in.Schema, columns), f)
}

// present leaves out columns that a schema does not have. Nil, all of them, stays nil.
func present(schema *arrow.Schema, columns []string) []string {
	if columns == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return !schema.HasField(c) })
}

// eachRow reads columns of an input, split by split.
func eachRow(ctx context.Context, in *pipeline.Input, env *pipeline.Env, columns []string, f func(asideRow) error) error {
	n := int64(0)
	for split, s := range in.Splits {
		r, err := s.Open(ctx, env, columns)
		if err != nil {
			return err
		}
		err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				if err := f(asideRow{b, i, n, split}); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// QuarantinedRows chooses quarantined rows.
type QuarantinedRows struct {
	// Rule is one that the rows broke; empty: any.
	Rule string
	// Columns that are read, beside why a row is there; nil: all.
	Columns []string
	// Limit is how many rows at most; 0: all.
	Limit int64
}

var errEnough = errors.New("enough")

// ShowQuarantined calls each with the rows, in their order: one of a batch, which it
// borrows, with the columns that were chosen in the order of the file.
func (p *Project) ShowQuarantined(ctx context.Context, q Quarantined, o QuarantinedRows, each func(b arrow.RecordBatch, row int) error) error {
	var names []string
	for _, r := range q.Rules {
		names = append(names, r.Rule)
	}
	if o.Rule != "" && !slices.Contains(names, o.Rule) {
		return unknownBroken(q.current, o.Rule, names)
	}
	columns := o.Columns
	if columns != nil {
		columns = append(slices.Clone(columns), pipeline.RulesColumn)
	}
	n := int64(0)
	err := p.eachAside(ctx, q.current, columns, func(r asideRow) error {
		if o.Rule != "" && !slices.Contains(r.rules(), o.Rule) {
			return nil
		}
		if n++; o.Limit > 0 && n > o.Limit {
			return errEnough
		}
		return each(r.batch, r.row)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// unknownBroken says that no quarantined row of a version broke a rule, and which were.
func unknownBroken(v *versionAt, rule string, known []string) error {
	slices.Sort(known)
	return pipeline.Errorf(pipeline.Invalid, "%s in the quarantine of %s", pipeline.Unknown("rule", rule, known), v.ref()).
		With("its rows broke " + strings.Join(known, ", "))
}

// ref is how people name the version.
func (v *versionAt) ref() string { return v.manifest.Dataset + "@" + v.manifest.Partition }
