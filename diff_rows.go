package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/compare"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// DiffedRows is how many rows differ. Same, Removed and Changed add up to the rows before; Same,
// Added and Changed to those after.
type DiffedRows struct {
	Same    int64 `json:"same"`
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Changed int64 `json:"changed"`
	// SharedKeys are the keys that name several of the rows that differ, of one version; NullKeys
	// the rows that differ and have a null in their key.
	SharedKeys int64 `json:"shared_keys,omitempty"`
	NullKeys   int64 `json:"null_keys,omitempty"`
	// Read is how many rows of both were read: what is known to be the same is not.
	Read int64 `json:"read"`
}

// DiffedColumn is a column that differs.
type DiffedColumn struct {
	Column string `json:"column"`
	// Before and After are its types; empty where it was not there.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Rows is in how many of the rows that changed it did.
	Rows int64 `json:"rows,omitempty"`
	// Why says what of the causes reaches it, where it changed in some rows; nil where that is not
	// on record.
	Why *lineage.ColumnWhy `json:"why,omitempty"`
	// Uncompared says that no value of the one type can be one of the other.
	Uncompared bool `json:"uncompared,omitempty"`
}

// DiffedRow is a row that differs.
type DiffedRow struct {
	// File and Row are where it lies: of a changed row, after.
	File string `json:"file"`
	Row  int64  `json:"row"`
	// Rows is how many rows are the same as this one, where there is no key.
	Rows int64           `json:"rows,omitempty"`
	Key  []pipeline.Cell `json:"key,omitempty"`
	// Columns are those in which it changed.
	Columns []string `json:"columns,omitempty"`
	// Before and After are the values of these, or of all, where values may be shown.
	Before []pipeline.Cell `json:"before,omitempty"`
	After  []pipeline.Cell `json:"after,omitempty"`
}

// rows compares the rows, and the columns.
func (d *diffing) rows(ctx context.Context) (err error) {
	d.key()
	schemas := slices.Equal(d.was.manifest.Schema, d.now.manifest.Schema) // of a text file it is not in the file
	if d.Identical && schemas && len(d.opts.Key)+len(d.opts.Columns) == 0 {
		d.Same, d.Rows.Same = true, d.now.manifest.Rows
		return nil
	}
	env := d.p.env()
	env.Workers = d.p.opts.Workers
	var done func() error
	if env.Temp, done, err = d.p.private(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	c := &diffedRows{diffing: d, env: env}
	for side, v := range []*versionAt{d.was, d.now} {
		if c.sides[side].Input, err = d.p.sideInput(ctx, v); err != nil {
			return err
		}
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	c.digests(o.Columns)
	found, err := compare.Rows(ctx, c.sides[0], c.sides[1], o)
	if err != nil {
		return err
	}
	return c.take(ctx, found)
}

// key chooses the columns that name a row.
func (d *diffing) key() {
	was, now := d.was.manifest, d.now.manifest
	switch {
	case d.opts.WholeRows:
		d.NoKey = "whole rows were asked for"
	case len(d.opts.Key) > 0:
		d.Key = d.opts.Key
	case len(now.Key) == 0:
		d.NoKey = "no gate has a unique key, and the stage names none"
	case !slices.Equal(was.Key, now.Key):
		d.NoKey = fmt.Sprintf("the key was %s, and is %s", orNone(was.Key), orNone(now.Key))
	default:
		d.Key = now.Key
	}
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// sideInput resolves the files of a version.
func (p *Project) sideInput(ctx context.Context, v *versionAt) (*pipeline.Input, error) {
	written := v.kept(v.manifest.Files)
	if len(written) == 0 {
		schema, err := schemaOf(v.manifest, "")
		return &pipeline.Input{Schema: schema}, err
	}
	for _, f := range written {
		if f.Chunks != nil {
			continue // it is checked by parts as it is read
		}
		if err := p.asWritten(f); err != nil {
			return nil, err
		}
	}
	return p.written(ctx, v, written, false, nil)
}

// asWritten reads a file, and holds it against its digest.
func (p *Project) asWritten(f pipeline.File) (err error) {
	file, err := p.fs.Open(filepath.Join(p.dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return pipeline.Errorf(pipeline.BadInput, "%s is not as it was published: its sha256 is %.12s, and was %.12s", f.Path, got, f.SHA256).
			With("`penstock verify` tells what else is not")
	}
	return nil
}

// diffedRows compares the rows of two versions.
type diffedRows struct {
	*diffing
	env   *pipeline.Env
	sides [2]compare.Side
}

// options find out which columns are compared, and which are new, gone, or of another type.
func (c *diffedRows) options() (o compare.Options, err error) {
	was, now := c.sides[0].Input.Schema, c.sides[1].Input.Schema
	o = compare.Options{Env: c.env, FS: c.p.fs, Key: c.Key, Limit: c.opts.Limit}
	var errs pipeline.Errors
	for _, name := range slices.Concat(c.opts.Columns, c.Key) {
		if !was.HasField(name) && !now.HasField(name) {
			errs = append(errs, pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("column", name, pipeline.ColumnNames(now))))
		}
	}
	for _, f := range was.Fields() {
		if !now.HasField(f.Name) && c.wanted(f.Name) {
			c.Columns = append(c.Columns, DiffedColumn{Column: f.Name, Before: pipeline.TypeName(f.Type)})
		}
	}
	for _, f := range now.Fields() {
		if !c.wanted(f.Name) {
			continue
		}
		col := DiffedColumn{Column: f.Name, After: pipeline.TypeName(f.Type)}
		if !was.HasField(f.Name) {
			c.Columns = append(c.Columns, col)
			continue
		}
		old := was.Field(was.FieldIndices(f.Name)[0]).Type
		col.Before = pipeline.TypeName(old)
		if col.Uncompared = !compare.Comparable(old, f.Type); !col.Uncompared {
			o.Columns = append(o.Columns, f.Name)
		}
		if col.Before != col.After {
			c.Columns = append(c.Columns, col)
		}
	}
	for _, name := range c.Key {
		if !slices.Contains(o.Columns, name) && len(errs) == 0 {
			errs = append(errs, c.badKey(name))
		}
	}
	return o, errs.Err()
}

func (c *diffedRows) wanted(name string) bool {
	return len(c.opts.Columns) == 0 || slices.Contains(c.opts.Columns, name) || slices.Contains(c.Key, name)
}

// badKey says why rows can't be told apart by a column.
func (c *diffedRows) badKey(name string) error {
	for _, col := range c.Columns {
		if col.Column != name {
			continue
		}
		what := fmt.Sprintf("is %s in %s and %s in %s", col.Before, c.versionName(0), col.After, c.versionName(1))
		if col.Before == "" {
			what = "is not in " + c.versionName(0)
		} else if col.After == "" {
			what = "is not in " + c.versionName(1)
		}
		return pipeline.Errorf(pipeline.Invalid, "column %q of the key %s", name, what).
			With("name other columns with --key; --whole-rows does without a key")
	}
	return nil
}

func (c *diffedRows) versionName(side int) string {
	m := []*versionAt{c.was, c.now}[side].manifest
	return fmt.Sprintf("version %d of %s", m.Version, m.Partition)
}

// digests give the compare package the digests of column chunks that manifests have.
func (c *diffedRows) digests(columns []string) {
	was, now := c.was.manifest, c.now.manifest
	for side, m := range []*pipeline.Manifest{was, now} {
		in, other := c.sides[side].Input, []*pipeline.Manifest{now, was}[side]
		groups, at := map[int]int{}, map[int]int{} // of each file: all, and those before
		for _, s := range in.Splits {
			groups[s.File]++
		}
		for _, s := range in.Splits {
			var all []string
			if chunks := m.Files[s.File].Chunks; len(chunks) == groups[s.File] {
				all = chunkDigests(m, other, in.Schema, chunks[at[s.File]], columns)
			}
			at[s.File]++
			c.sides[side].Digests = append(c.sides[side].Digests, all)
		}
	}
}

// chunkDigests are those of columns of a row group, of which a nested column has several; empty of
// one that is not of the same type on the other side. Nil where it can't be told which is whose.
func chunkDigests(m, other *pipeline.Manifest, schema *arrow.Schema, chunks, columns []string) (all []string) {
	of, at := map[string]string{}, 0
	for i, f := range schema.Fields() {
		n := leaves(f.Type)
		if at+n > len(chunks) || i >= len(m.Schema) || m.Schema[i].Name != f.Name {
			return nil
		}
		if slices.Contains(other.Schema, m.Schema[i]) {
			of[f.Name] = strings.Join(chunks[at:at+n], " ")
		}
		at += n
	}
	if at != len(chunks) {
		return nil
	}
	for _, name := range columns {
		all = append(all, of[name])
	}
	return all
}

// leaves is how many chunks a column of a type has.
func leaves(t arrow.DataType) (n int) {
	switch t := t.(type) {
	case *arrow.StructType:
		for _, f := range t.Fields() {
			n += leaves(f.Type)
		}
		return n
	case *arrow.MapType:
		return leaves(t.KeyType()) + leaves(t.ItemType())
	case arrow.ListLikeType:
		return leaves(t.Elem())
	}
	return 1
}

// take takes in what was found.
func (c *diffedRows) take(ctx context.Context, r *compare.Result) error {
	c.Rows = DiffedRows{
		Same: r.Same, Added: r.Added, Removed: r.Removed, Changed: r.Changed,
		SharedKeys: r.SharedKeys, NullKeys: r.NullKeys, Read: r.Read,
	}
	for _, col := range r.Columns {
		i := slices.IndexFunc(c.Columns, func(d DiffedColumn) bool { return d.Column == col.Column })
		if i < 0 {
			t := pipeline.TypeName(c.sides[1].Input.Schema.Field(c.sides[1].Input.Schema.FieldIndices(col.Column)[0]).Type)
			c.Columns, i = append(c.Columns, DiffedColumn{Column: col.Column, Before: t, After: t}), len(c.Columns)
		}
		c.Columns[i].Rows = col.Rows
	}
	c.Same = r.Added+r.Removed+r.Changed == 0 && len(c.Columns) == 0
	for side, want := range []int64{c.was.manifest.Rows, c.now.manifest.Rows} {
		if r.Rows[side] != want {
			return pipeline.Errorf(pipeline.IO, "%s has %s, its manifest says %d", c.versionName(side), countRows(r.Rows[side]), want).
				With("`penstock verify` tells what else is not as it was published")
		}
	}
	return c.name(ctx, r)
}

// name reads what names the rows that differ.
func (c *diffedRows) name(ctx context.Context, r *compare.Result) error {
	var old, young []compare.Place
	for _, one := range r.RemovedRows {
		old, c.RemovedRows = append(old, one.Place), append(c.RemovedRows, c.row(0, one))
	}
	for _, one := range r.AddedRows {
		young, c.AddedRows = append(young, one.Place), append(c.AddedRows, c.row(1, one))
	}
	for _, one := range r.ChangedRows {
		old, young = append(old, one.Before), append(young, one.After)
		row := c.row(1, compare.Row{Place: one.After})
		row.Columns = one.Columns
		c.ChangedRows = append(c.ChangedRows, row)
	}
	before, err := c.cells(ctx, 0, old)
	if err != nil {
		return err
	}
	after, err := c.cells(ctx, 1, young)
	if err != nil {
		return err
	}
	for i, one := range r.RemovedRows {
		c.RemovedRows[i].Key, c.RemovedRows[i].Before = c.split(before[one.Place], nil)
	}
	for i, one := range r.AddedRows {
		c.AddedRows[i].Key, c.AddedRows[i].After = c.split(after[one.Place], nil)
	}
	for i, one := range r.ChangedRows {
		row := &c.ChangedRows[i]
		_, row.Before = c.split(before[one.Before], one.Columns)
		row.Key, row.After = c.split(after[one.After], one.Columns)
	}
	return nil
}

func (c *diffedRows) row(side int, r compare.Row) DiffedRow {
	in := c.sides[side].Input
	row := DiffedRow{File: in.Files[in.Splits[r.Split].File].Path, Row: r.Row}
	for _, s := range in.Splits[:r.Split] {
		if s.File == in.Splits[r.Split].File {
			row.Row += max(s.Rows, 0)
		}
	}
	if c.Key == nil {
		row.Rows = r.Rows
	}
	return row
}

// split takes the key out of the cells of a row, and of the others those of some columns, in
// their order; nil is all.
func (c *diffedRows) split(cells []pipeline.Cell, columns []string) (key, values []pipeline.Cell) {
	for _, cell := range cells {
		if slices.Contains(c.Key, cell.Column) {
			key = append(key, cell)
		} else if columns == nil {
			values = append(values, cell)
		}
	}
	for _, name := range columns {
		if i := slices.IndexFunc(cells, func(cell pipeline.Cell) bool { return cell.Column == name }); i >= 0 {
			values = append(values, cells[i])
		}
	}
	return key, values
}

// cells reads the key of some rows of a side and, where values may be shown, all else.
func (c *diffedRows) cells(ctx context.Context, side int, places []compare.Place) (map[compare.Place][]pipeline.Cell, error) {
	columns := pipeline.ColumnNames(c.sides[side].Input.Schema)
	if !c.opts.ShowValues {
		columns = c.Key
	}
	all := map[compare.Place][]pipeline.Cell{}
	if len(columns) == 0 || len(places) == 0 {
		return all, nil
	}
	err := compare.Values(ctx, c.env, c.sides[side], columns, places, func(p compare.Place, of []arrow.Array, row int) {
		var cells []pipeline.Cell
		for i, col := range of {
			cells = append(cells, pipeline.Cell{Column: columns[i], Value: cellText(col, row)})
		}
		all[p] = cells
	})
	return all, err
}

// cellText is a value as people read it.
func cellText(col arrow.Array, row int) string {
	switch a := col.(type) {
	case *array.String:
		if a.IsValid(row) {
			return strings.Clone(a.Value(row))
		}
	}
	if col.IsNull(row) {
		return "null"
	}
	return col.ValueStr(row)
}
