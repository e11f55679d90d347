package parquet

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/penstock-data/penstock/pipeline"
)

// readBuffer is how much of a file is read at once, in bytes.
const readBuffer = 1 << 20

// magic begins and ends every Parquet file.
const magic = "PAR1"

// open opens a file and reads its footer. The caller closes the second result.
func open(path, name string) (pf *parquet.File, f *os.File, err error) {
	f, err = os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = bad(name, "its footer is damaged: %v", r)
		}
		if err != nil {
			_ = f.Close() // only read
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if err := checkEnds(f, info.Size(), name); err != nil {
		return nil, nil, err
	}
	pf, err = parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(readBuffer))
	if err != nil {
		return nil, nil, bad(name, "its footer is damaged: %s", tidy(err))
	}
	return pf, f, nil
}

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
	if footer := int64(binary.LittleEndian.Uint32(tail[:4])); footer > size-12 {
		return bad(name, "its footer is damaged: it says it has %d bytes, the file has %d", footer, size)
	}
	return nil
}

func bad(where, format string, args ...any) *pipeline.Error {
	return &pipeline.Error{Kind: pipeline.BadInput, Where: where, Msg: fmt.Sprintf(format, args...)}
}

// tidy is the text of a library's error in one line.
func tidy(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}
