package audit

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/penstock-data/penstock/internal/faults"
)

// beginProject begins the project's chain if there is none. It names the chains of datasets that
// are there already: they tell if there was another before it.
func (l *Log) beginProject(except []Entry) error {
	if _, _, err := l.end(""); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	datasets, err := l.Datasets()
	if err != nil {
		return err
	}
	var heads []Head
	for _, dataset := range datasets {
		at, _, err := l.end(dataset)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		default:
			heads = append(heads, at.Head)
		}
	}
	return l.begin("", heads, except)
}

// begin writes a chain that is new, with what was there before it; that of a dataset with the
// entries that it is begun for.
func (l *Log) begin(dataset string, heads []Head, entries []Entry) error {
	before, err := l.Before(dataset)
	if err != nil {
		return err
	}
	all := []Entry{{Kind: Genesis, Dataset: dataset, Heads: heads}}
	for _, b := range before {
		if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Digest == b.Digest }) {
			all = append(all, b)
		}
	}
	if dataset != "" {
		all = append(all, entries...)
	}
	text, at, err := l.lines(end{}, all)
	if err != nil {
		return err
	}
	if err := faults.WriteFile(l.FS, Path(l.Root, dataset), text); err != nil {
		return err
	}
	l.remember(dataset, at)
	return nil
}
