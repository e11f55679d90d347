package penstock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/night"
)

// NightTold is how the report of a night went.
type NightTold struct {
	Partition, Run string
	// Night is what was told; nil where it could not be made.
	Night *night.Night
	// Reports are the files that were written, relative to the project, in the order of their formats.
	Reports []string
	// Problems are what could not be written, or told.
	Problems []error
}

// NightWriter gives what writes a format of the night; nil where there is none of that name.
func NightWriter(format string) func(io.Writer, *night.Night) error {
	switch format {
	case "text":
		return func(w io.Writer, n *night.Night) error { return night.Text(w, n, 0) }
	case "html":
		return night.HTML
	case "json":
		return night.JSON
	case "csv":
		return night.CSV
	case "xlsx":
		return night.XLSX
	}
	return nil
}

// tellNight writes the reports of a run that has ended, and tells who is to be told. Whatever goes
// wrong does so after the verdict, and changes nothing of it. Of a run that was stopped nothing is
// told: who stopped it knows.
func (p *Project) tellNight(ctx context.Context, pl *pipeline.Pipeline, rec *pipeline.RunRecord) {
	if pl.Night == nil || rec == nil || rec.Status == pipeline.Cancelled || rec.Status == pipeline.Running {
		return
	}
	told := NightTold{Partition: rec.Partition, Run: rec.Run}
	if err := p.nightOf(ctx, pl, rec, &told); err != nil {
		told.Problems = append(told.Problems, fmt.Errorf("the report of the night %s can't be made: %w", rec.Partition, err))
		// That it can't is a thing to be told, too.
		p.notifyNight(ctx, pl.Night, night.Unknowable(rec, err), &told)
	}
	if p.opts.NightTold != nil {
		p.opts.NightTold(told)
	}
}

func (p *Project) nightOf(ctx context.Context, pl *pipeline.Pipeline, rec *pipeline.RunRecord, told *NightTold) (err error) {
	defer recoveredNight(&err)
	ledger := stageOf(pl, pl.Night.Ledger)
	part, perr := pl.Partitions.Anyway(rec.Partition)
	if perr != nil || ledger == nil || ledger.Output == nil {
		return errors.Join(perr, fmt.Errorf("stage %q has no ledger", pl.Night.Ledger))
	}
	o := NightOptions{
		Dataset: datasetOf(ledger), Partition: part, Pipeline: pl.Name, Run: rec, Compare: pl.Night.Compare, AgedDays: pl.Night.AgedDays,
	}
	return p.Night(ctx, o, func(n *night.Night) error {
		told.Night = n
		for _, format := range pipeline.NightFormats {
			to, ok := pl.Night.Reports[format]
			if !ok {
				continue
			}
			to = strings.ReplaceAll(to, "{partition}", rec.Partition)
			if err := p.writeReport(format, to, n); err != nil {
				told.Problems = append(told.Problems, fmt.Errorf("the %s report %s can't be written: %w", format, to, err))
				continue
			}
			told.Reports = append(told.Reports, to)
		}
		p.notifyNight(ctx, pl.Night, n, told)
		return nil
	})
}

// recoveredNight makes a panic an error: what is told of a run must not undo how it ended.
func recoveredNight(err *error) {
	if r := recover(); r != nil {
		*err = pipeline.Errorf(pipeline.Internal, "the report panicked: %v", r)
	}
}

// writeReport writes a report in one step, inside the project.
func (p *Project) writeReport(format, to string, n *night.Night) error {
	if !filepath.IsLocal(filepath.FromSlash(to)) {
		return errors.New("the path leads out of the project")
	}
	path := filepath.Join(p.dir, filepath.FromSlash(to))
	if err := p.inside(filepath.Dir(path)); err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := p.fs.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return errors.New("there is a directory of this name; name a file")
	}
	// There may be very many breaks: what is written of them is not kept in memory.
	return faults.WriteFrom(p.fs, path, func(w io.Writer) (err error) {
		defer recoveredNight(&err) // so that nothing is left half written
		b := bufio.NewWriterSize(w, 1<<16)
		if err := NightWriter(format)(b, n); err != nil {
			return err
		}
		return b.Flush()
	})
}

// inside is an error if a directory, or what of it is there, lies elsewhere by a symbolic link.
func (p *Project) inside(dir string) error {
	root, err := filepath.EvalSymlinks(p.dir)
	if err != nil {
		return err
	}
	for {
		real, err := filepath.EvalSymlinks(dir)
		if errors.Is(err, fs.ErrNotExist) && dir != p.dir {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, real)
		if err != nil || !filepath.IsLocal(rel) {
			return fmt.Errorf("%s leads out of the project, to %s", dir, real)
		}
		if first, _, _ := strings.Cut(filepath.ToSlash(rel), "/"); slices.Contains([]string{StateDir}, first) {
			return fmt.Errorf("%s is for the state of the project", dir)
		}
		return nil
	}
}
