package penstock

import (
	"context"
	"fmt"
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

// corrected opens the file with what takes the place of released rows, checks all of it,
// and finds out whose place that is.
func (r *release) corrected(ctx context.Context, schema *arrow.Schema) ([]pipeline.Split, error) {
	var err error
	if r.fixed, err = r.p.userRows(ctx, r.opts.Rows, schema); err != nil {
		return nil, err
	}
	name := r.fixed.Files[0].Path
	said := hasAll(r.fixed.Schema, pipeline.SourceColumn, pipeline.RowColumn)
	places := &placesTaken{x: r.index, name: name, left: map[origin][]int64{}}
	if said {
		places.open()
	}
	err = r.eachCorrected(ctx, schema, func(row asideRow) error {
		r.fixedRows++
		if !said {
			return nil
		}
		return places.take(row)
	})
	switch {
	case err != nil:
		return nil, err
	case said:
		places.close()
	case r.fixedRows != r.index.rows:
		return nil, pipeline.Errorf(pipeline.Invalid, "%s has %s, and %d are released: a corrected row takes the place of a quarantined one", name, countRows(r.fixedRows), r.index.rows).
			With("give a row for each, or keep the columns _source and _row, which say whose place a row takes; the others stay in quarantine then")
	}
	return r.correctedSplits(schema, said, places), nil
}

func countRows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func hasAll(schema *arrow.Schema, names ...string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !schema.HasField(n) })
}

// eachCorrected reads the corrected rows as they will be read by the run, with the columns
// that say where they came from.
func (r *release) eachCorrected(ctx context.Context, schema *arrow.Schema, f func(asideRow) error) error {
	fields := slices.Clone(schema.Fields())
	for _, extra := range pipeline.QuarantineSchema(arrow.NewSchema(nil, nil)).Fields() {
		if r.fixed.Schema.HasField(extra.Name) {
			extra.Nullable = true
			fields = append(fields, extra)
		}
	}
	whole, n := arrow.NewSchema(fields, nil), int64(0)
	for _, s := range r.fixed.Splits {
		rows, err := openSome(ctx, r.p.env(), s, nil, whole)
		if err != nil {
			return err
		}
		err = pipeline.Each(ctx, rows, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				if err := f(asideRow{batch: b, row: i, n: n}); err != nil {
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

// origin is where a row came from at first.
type origin struct {
	source string
	row    int64
}

// placesTaken finds the quarantined rows whose place corrected ones take.
type placesTaken struct {
	x    *asideIndex
	name string
	left map[origin][]int64 // rows of the quarantine
	of   []int64            // for each corrected row, the one of the quarantine
}

// open takes all rows that were chosen as those whose place can be taken.
func (p *placesTaken) open() {
	for i, chosen := range p.x.chosen {
		if chosen {
			source, row := p.x.origin(int64(i))
			p.left[origin{source, row}] = append(p.left[origin{source, row}], int64(i))
		}
	}
}

func (p *placesTaken) take(r asideRow) error {
	o := origin{strings.Clone(r.value(pipeline.SourceColumn)), r.place()}
	left := p.left[o]
	if len(left) == 0 {
		row := "no row"
		if o.row >= 0 {
			row = fmt.Sprintf("row %d", o.row)
		}
		return pipeline.Errorf(pipeline.BadInput, "%s: row %d: no row that is released, or no other, came from %s of %q", p.name, r.n, row, o.source).
			With("_source and _row are as the quarantine has them; see `penstock quarantine show`")
	}
	p.of, p.left[o] = append(p.of, left[0]), left[1:]
	return nil
}

// close leaves the rows in quarantine that were not corrected.
func (p *placesTaken) close() {
	clear(p.x.chosen)
	for _, i := range p.of {
		p.x.chosen[i] = true
	}
	p.x.count()
}

// correctedSplits are the splits of the corrected file in the schema of the dataset.
func (r *release) correctedSplits(schema *arrow.Schema, said bool, places *placesTaken) (all []pipeline.Split) {
	first := int64(0)
	for _, s := range r.fixed.Splits {
		base := first
		split := pipeline.Split{
			Name: s.Name, File: s.File, RowGroup: s.RowGroup, Rows: s.Rows, Bytes: s.Bytes,
			Open: func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
				return openSome(ctx, env, s, nil, narrowed(schema, columns))
			},
		}
		if said {
			split.Origin = func(at int32) (string, int64) { return r.index.origin(places.of[base+int64(at)]) }
		}
		all = append(all, split)
		first += max(s.Rows, 0)
	}
	return all
}

// userRows resolves a file that has the columns of a schema, and may have those of the
// quarantine.
func (p *Project) userRows(ctx context.Context, name string, schema *arrow.Schema) (*pipeline.Input, error) {
	if abs, err := filepath.Abs(name); filepath.IsAbs(name) && err == nil {
		if rel, err := filepath.Rel(p.dir, abs); err == nil && filepath.IsLocal(rel) {
			name = filepath.ToSlash(rel)
		}
	}
	set, env := files.Set{Written: []pipeline.File{{Path: name}}}, p.env()
	var found pipeline.Source
	ext := path.Ext(name)
	switch ext {
	case ".parquet":
		found = parquet.Source{Set: set}
	case ".arrow":
		found = ipc.Source{Set: set}
	case ".csv":
		found = csv.Source{Set: set}
	case ".jsonl", ".ndjson":
		found = jsonl.Source{Set: set}
	default:
		return nil, pipeline.Errorf(pipeline.Invalid, "%s: rows are read from .parquet, .csv, .jsonl and .arrow", name)
	}
	in, err := found.Resolve(ctx, env)
	if err != nil {
		return nil, err
	}
	typed := ext == ".parquet" || ext == ".arrow"
	if err := checkColumns(in.Files[0].Path, in.Schema, schema, typed); err != nil || typed {
		return in, err
	}
	declared := narrowed(pipeline.QuarantineSchema(schema), pipeline.ColumnNames(in.Schema))
	if ext == ".csv" {
		return csv.Source{Set: set, Schema: declared}.Resolve(ctx, env)
	}
	return jsonl.Source{Set: set, Schema: declared}.Resolve(ctx, env)
}

// checkColumns finds all that is wrong with the columns of a file that should have those of
// a schema.
func checkColumns(name string, found, want *arrow.Schema, typed bool) error {
	var errs pipeline.Errors
	bad := func(format string, args ...any) {
		errs = append(errs, &pipeline.Error{Kind: pipeline.BadInput, Where: name, Msg: fmt.Sprintf(format, args...)})
	}
	whole := pipeline.QuarantineSchema(want)
	for _, f := range want.Fields() {
		at := found.FieldIndices(f.Name)
		switch {
		case len(at) == 0:
			bad("column %q is missing; %s expected", f.Name, pipeline.TypeName(f.Type))
		case typed && !fits(found.Field(at[0]).Type, f.Type):
			bad("column %q is %s, %s expected", f.Name, pipeline.TypeName(found.Field(at[0]).Type), pipeline.TypeName(f.Type))
		}
	}
	for _, f := range found.Fields() {
		if !whole.HasField(f.Name) {
			bad("%s", pipeline.Unknown("column", f.Name, pipeline.ColumnNames(want)))
		}
	}
	return errs.Err()
}

// fits reports whether values of a type may be those of another: they are the same, or
// numbers or times of one sort, of which each is converted without loss or refused.
func fits(from, to arrow.DataType) bool {
	from, to = pipeline.ValueType(from), pipeline.ValueType(to)
	sort := func(t arrow.DataType) int {
		switch {
		case arrow.IsInteger(t.ID()):
			return 1
		case arrow.IsFloating(t.ID()):
			return 2
		case t.ID() == arrow.TIMESTAMP:
			return 3
		case t.ID() == arrow.STRING, t.ID() == arrow.LARGE_STRING, t.ID() == arrow.STRING_VIEW:
			return 4
		}
		return 0
	}
	return arrow.TypeEqual(from, to) || sort(from) != 0 && sort(from) == sort(to)
}
