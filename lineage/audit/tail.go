package audit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
)

// window is how much of a chain's end is looked at first: what one write may have torn, mostly.
const window = 256 << 10

// torn is what is to be mended at the end of a chain.
type torn struct {
	*Torn        // nil: only the end of the last line is missing
	sep   []byte // ends its last line
}

// end finds where a chain ends. What this process wrote last is believed if the file has the size
// it had then; else its end is read, and what was torn there is told.
func (l *Log) end(dataset string) (end, *torn, error) {
	name := Path(l.Root, dataset)
	info, err := l.FS.Stat(name)
	if err != nil {
		return end{}, nil, err
	}
	if at, ok := l.ends[dataset]; ok && at.size == info.Size() {
		return at, nil, nil
	}
	if info.Size() == 0 {
		return end{}, nil, fs.ErrNotExist
	}
	f, err := l.FS.Open(name)
	if err != nil {
		return end{}, nil, err
	}
	at, t, err := readEnd(f, info.Size())
	at.Dataset = dataset
	return at, t, errors.Join(err, f.Close())
}

// readEnd reads a chain's last entries, as far back as there is one that is whole.
func readEnd(f io.ReaderAt, size int64) (at end, _ *torn, err error) {
	at.size = size
	for n := int64(window); ; n *= 4 {
		from := max(0, size-n)
		text := make([]byte, size-from)
		if _, err := f.ReadAt(text, from); err != nil && err != io.EOF {
			return at, nil, err
		}
		cut := 0
		if from > 0 {
			if cut = bytes.IndexByte(text, '\n') + 1; cut == 0 {
				continue
			}
		}
		last, bad := walk(text[cut:], from+int64(cut))
		if last == nil && from > 0 {
			continue
		}
		if last != nil {
			at.Seq, at.Sum = last.Seq, last.Sum
		}
		if bad < 0 && text[len(text)-1] == '\n' {
			return at, nil, nil
		}
		if bad < 0 {
			return at, &torn{sep: []byte("\n")}, nil
		}
		rest := text[bad-from:]
		t := &torn{Torn: &Torn{At: bad}}
		if rest[len(rest)-1] != '\n' {
			t.sep = []byte("\n")
		}
		t.Bytes, t.SHA256 = int64(len(rest)+len(t.sep)), digestOf(append(bytes.Clone(rest), t.sep...))
		return at, t, nil
	}
}

// walk follows the entries of a part of a chain that begins with a line. It gives the last that
// follows from the first, and where what comes after it begins; -1 if nothing does.
func walk(text []byte, at int64) (last *Entry, bad int64) {
	bad = -1
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		e, err := parse(line)
		good := err == nil && (last == nil || e.Prev == last.Sum && e.Seq == last.Seq+1)
		if good && bad >= 0 { // only what mends it comes after what is torn
			good = e.Torn != nil && e.Torn.At == bad && e.Torn.Bytes == at-bad
		}
		if good {
			last, bad = e, -1
		} else if bad < 0 {
			bad = at
		}
		at += int64(len(text) - len(rest))
		text = rest
	}
	return last, bad
}
