package penstock

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

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
	if err := c.key(); err != nil {
		return err
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

// key chooses the columns that name a row: those that were asked for, or those of the manifests,
// where both versions have them.
func (c *diffedRows) key() error {
	c.Key = c.opts.Key
	var missing error
	switch {
	case c.opts.WholeRows:
		c.NoKey = "whole rows were asked for"
		return nil
	case c.Key == nil:
		if c.Key = c.now.manifest.Key; len(c.Key) == 0 {
			c.Key = c.was.manifest.Key
		}
	}
	if len(c.Key) == 0 {
		c.NoKey = "no gate has a unique key, and the stage names none"
		return nil
	}
	for _, name := range c.Key {
		if missing == nil {
			missing = c.badKey(name)
		}
	}
	if missing == nil || len(c.opts.Key) > 0 {
		return missing
	}
	c.Key, c.NoKey = nil, firstLine(missing)
	return nil
}

// badKey says why rows can't be told apart by a column; nil where they can.
func (c *diffedRows) badKey(name string) error {
	var types [2]arrow.DataType
	for side := range types {
		schema := c.sides[side].Input.Schema
		if found := schema.FieldIndices(name); len(found) > 0 {
			types[side] = schema.Field(found[0]).Type
		}
	}
	was, now := types[0], types[1]
	var what string
	switch {
	case was == nil && now == nil:
		return pipeline.Errorf(pipeline.Invalid, "%s", pipeline.Unknown("column", name, pipeline.ColumnNames(c.sides[1].Input.Schema)))
	case was == nil:
		what = "is not in " + c.versionName(0)
	case now == nil:
		what = "is not in " + c.versionName(1)
	case compare.Comparable(was, now):
		return nil
	default:
		what = fmt.Sprintf("is %s in %s and %s in %s", pipeline.TypeName(was), c.versionName(0), pipeline.TypeName(now), c.versionName(1))
	}
	return pipeline.Errorf(pipeline.Invalid, "column %q of the key %s", name, what).
		With("name other columns with --key; --whole-rows does without a key")
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
	for _, name := range c.opts.Columns {
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
	return o, errs.Err()
}

func (c *diffedRows) wanted(name string) bool {
	return len(c.opts.Columns) == 0 || slices.Contains(c.opts.Columns, name) || slices.Contains(c.Key, name)
}

func (c *diffedRows) versionName(side int) string {
	m := []*versionAt{c.was, c.now}[side].manifest
	return fmt.Sprintf("version %d of %s", m.Version, m.Partition)
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
