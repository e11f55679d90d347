package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// readBuffer is how much of a file is read at once, in bytes.
const readBuffer = 1 << 20

// magic begins and ends every Parquet file.
const magic = "PAR1"

// footer is what is known of a file: its footer, read once. Whoever reads the file calls
// open before, and close after. It is safe for concurrent use.
type footer struct {
	*parquet.File
	path, name string
	columns    []*column
	refused    map[string]string
	modified   time.Time
	footerAt   int64 // the byte where it begins
	nulls      nullCounts
	digests    digests

	mu    sync.Mutex
	users int
	file  *os.File
}

// readFooter opens a file for its footer, and closes it again.
func readFooter(of files.File) (f *footer, err error) {
	name := of.Path
	f = &footer{path: of.Abs, name: name}
	file, err := os.Open(of.Abs)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	defer func() {
		if r := recover(); r != nil {
			err = bad(name, "its footer is damaged: %v", r)
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	f.modified = info.ModTime()
	end, err := readTail(file, info.Size(), name)
	if err != nil {
		return nil, err
	}
	text := end[:len(end)-8]
	f.footerAt = info.Size() - 8 - int64(len(text))
	if f.digests, err = digestsOf(of, text); err != nil {
		return nil, err
	}
	// What is decoded is what was checked: the file is not read again.
	f.File, err = parquet.OpenFile(tail{end, info.Size()}, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, bad(name, "its footer is damaged: %s", tidy(err))
	}
	if err := f.check(); err != nil {
		return nil, bad(name, "its footer is damaged: %s", err)
	}
	f.nulls = nullCountsOf(text)
	f.columns, f.refused = columnsOf(f.File)
	return f, nil
}

// check makes sure of what everyone relies on.
func (f *footer) check() error {
	for i := range f.Metadata().RowGroups {
		rg := &f.Metadata().RowGroups[i]
		if rg.NumRows < 0 || rg.NumRows > maxRows {
			return fmt.Errorf("row group %d has %d rows; at most %d are read", i, rg.NumRows, int64(maxRows))
		}
		if n := len(f.Schema().Columns()); len(rg.Columns) != n {
			return fmt.Errorf("row group %d has %d columns, the schema %d", i, len(rg.Columns), n)
		}
	}
	return nil
}

// tail is a file of which only the ends are there: its magic, and from its footer on.
type tail struct {
	end  []byte
	size int64
}

// ReadAt implements io.ReaderAt.
func (t tail) ReadAt(b []byte, off int64) (int, error) {
	if from := t.size - int64(len(t.end)); off >= from {
		return bytes.NewReader(t.end).ReadAt(b, off-from)
	}
	return strings.NewReader(magic).ReadAt(b, off)
}

// open makes the file readable; readers share it.
func (f *footer) open() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users == 0 {
		file, err := os.Open(f.path)
		if err != nil {
			return err
		}
		info, err := file.Stat()
		if err == nil && (info.Size() != f.Size() || !info.ModTime().Equal(f.modified)) {
			err = bad(f.name, "was changed while it was read")
		}
		if err != nil {
			_ = file.Close() // only read
			return err
		}
		f.file = file
	}
	f.users++
	return nil
}

func (f *footer) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users--; f.users == 0 {
		_ = f.file.Close() // only read
		f.file = nil
	}
}

// ReadAt implements io.ReaderAt between open and close.
func (f *footer) ReadAt(b []byte, off int64) (int, error) { return f.file.ReadAt(b, off) }

// readTail gives the bytes of the footer and the eight behind it, after a look at the first and last bytes: a file
// that was cut short, or is something else, is told from one that is damaged.
func readTail(f io.ReaderAt, size int64, name string) ([]byte, error) {
	if size < 12 {
		return nil, bad(name, "is not a Parquet file: it has %d bytes", size)
	}
	var head [4]byte
	var tail [8]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, noEOF(err)
	}
	if _, err := f.ReadAt(tail[:], size-8); err != nil {
		return nil, noEOF(err)
	}
	switch {
	case string(head[:]) != magic:
		return nil, bad(name, "is not a Parquet file: it doesn't begin with %s", magic)
	case string(tail[4:]) != magic:
		return nil, bad(name, "is truncated: it begins like a Parquet file, but doesn't end in %s", magic)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:4]))
	switch {
	case n > size-12:
		return nil, bad(name, "its footer is damaged: it says it has %d bytes, the file has %d", n, size)
	case n > maxFooter:
		return nil, bad(name, "its footer has %d bytes; at most %d are read", n, maxFooter)
	}
	text := make([]byte, n+8)
	if _, err := f.ReadAt(text, size-8-n); err != nil {
		return nil, noEOF(err)
	}
	if err := checkThrift(text[:n]); err != nil {
		return nil, bad(name, "its footer is damaged: %s", err)
	}
	return text, nil
}

// maxRows bounds the rows of a row group: rows without any column are given as many as the
// footer says.
const maxRows = 1 << 32

// maxFooter bounds the footer of a file, in bytes.
const maxFooter = 256 << 20

func bad(where, format string, args ...any) *pipeline.Error {
	return &pipeline.Error{Kind: pipeline.BadInput, Where: where, Msg: fmt.Sprintf(format, args...)}
}

// tidy is the text of a library's error in one line.
func tidy(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}
