package parquet

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"

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

	mu    sync.Mutex
	users int
	file  *os.File
}

// readFooter opens a file for its footer, and closes it again.
func readFooter(path, name string) (f *footer, err error) {
	f = &footer{path: path, name: name}
	file, err := os.Open(path)
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
	if err := checkEnds(file, info.Size(), name); err != nil {
		return nil, err
	}
	f.File, err = parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(readBuffer))
	if err != nil {
		return nil, bad(name, "its footer is damaged: %s", tidy(err))
	}
	f.columns, f.refused = columnsOf(f.File)
	return f, nil
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

// checkEnds looks at the first and last bytes: a file that was cut short, or is
// something else, is told from one that is damaged.
func checkEnds(f *os.File, size int64, name string) error {
	if size < 12 {
		return bad(name, "is not a Parquet file: it has %d bytes", size)
	}
	var head [4]byte
	var tail [8]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return err
	}
	if _, err := f.ReadAt(tail[:], size-8); err != nil {
		return err
	}
	switch {
	case string(head[:]) != magic:
		return bad(name, "is not a Parquet file: it doesn't begin with %s", magic)
	case string(tail[4:]) != magic:
		return bad(name, "is truncated: it begins like a Parquet file, but doesn't end in %s", magic)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:4]))
	switch {
	case n > size-12:
		return bad(name, "its footer is damaged: it says it has %d bytes, the file has %d", n, size)
	case n > maxFooter:
		return bad(name, "its footer has %d bytes; at most %d are read", n, maxFooter)
	}
	text := make([]byte, n)
	if _, err := f.ReadAt(text, size-8-n); err != nil {
		return err
	}
	if err := checkThrift(text); err != nil {
		return bad(name, "its footer is damaged: %s", err)
	}
	return nil
}

// maxFooter bounds the footer of a file, in bytes.
const maxFooter = 256 << 20

func bad(where, format string, args ...any) *pipeline.Error {
	return &pipeline.Error{Kind: pipeline.BadInput, Where: where, Msg: fmt.Sprintf(format, args...)}
}

// tidy is the text of a library's error in one line.
func tidy(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}
