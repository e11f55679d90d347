package penstock

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/compare"
	"github.com/penstock-data/penstock/pipeline"
)

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
