package audit

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/penstock-data/penstock/internal/faults"
)

// beginProject begins the project's chain if there is none. It names the chains of datasets that
// are there already: they tell if there was another before it. Where things were done before
// there was one, it gives the datasets whose chains are to begin now too: they may never be run
// again.
func (l *Log) beginProject(except []Entry) (old []string, err error) {
	if _, _, err := l.end(""); !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	datasets, err := l.Datasets()
	if err != nil {
		return nil, err
	}
	var heads []Head
	for _, dataset := range datasets {
		at, _, err := l.end(dataset)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			old = append(old, dataset)
		case err != nil:
			return nil, err
		default:
			heads = append(heads, at.Head)
		}
	}
	if err := l.begin("", heads, except); err != nil {
		return nil, err
	}
	if l.ends[""].Seq == 1 { // nothing was done before
		return nil, nil
	}
	l.unnamed = old
	return old, nil
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
