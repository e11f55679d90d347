package pipeline

import (
	"errors"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/trace"
)

// gathered are the rows that an operator made each of several, in two private files: how many
// places each has, and all of them.
type gathered struct {
	source         int32
	sizes, members *trace.Sequence
	files          []*os.File
	row, held      int64 // the row that members come for, and how many there were
}

func (g *gathered) create(temp string) error {
	for _, name := range []string{"sizes", "members"} {
		f, err := os.CreateTemp(temp, "places-*."+name)
		if err != nil {
			return err
		}
		g.files = append(g.files, f)
	}
	g.sizes, g.members = trace.NewSequence(g.files[0]), trace.NewSequence(g.files[1])
	return nil
}

// dropGathered removes the private files.
func (r *run) dropGathered() {
	for _, g := range r.gathers {
		for _, f := range g.files {
			_ = errors.Join(f.Close(), os.Remove(f.Name())) // Temp goes as a whole anyway
		}
	}
}

// take is told what rows are made of.
func (g *gathered) take(b arrow.RecordBatch) error {
	rows := b.Column(0).(*array.Int64)
	for i := range int(b.NumRows()) {
		if row := rows.Value(i); row != g.row {
			if row < g.row {
				return Errorf(Internal, "members of row %d come after those of row %d", row, g.row)
			}
			if err := g.pass(row); err != nil {
				return err
			}
		}
		for lane := 1; lane < int(b.NumCols()); lane++ {
			col := b.Column(lane).(*array.Int64)
			if col.IsNull(i) {
				continue
			}
			if err := g.members.Add(trace.Place(col.Value(i)), 1); err != nil {
				return err
			}
			g.held++
		}
	}
	return nil
}

// pass goes on to a row.
func (g *gathered) pass(row int64) error {
	for ; g.row < row; g.row++ {
		if err := g.sizes.Add(trace.Place(g.held), 1); err != nil {
			return err
		}
		g.held = 0
	}
	return nil
}

// end writes what is held.
func (g *gathered) end() error {
	return errWith(errWith(g.pass(g.row+1), g.sizes.End()), g.members.End())
}

// copy puts the groups into a trace file.
func (g *gathered) copy(w *trace.Writer) error {
	for _, f := range g.files {
		if _, err := f.Seek(0, 0); err != nil {
			return err
		}
	}
	return w.Groups(g.source, g.sizes, g.members, g.files[0], g.files[1])
}
