package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// generate is the job that writes the lineitem file.
func generate(j job) (outcome, error) {
	return outcome{}, lineitem(j.Path, int(j.Rows))
}

// cached gives a file in dir with so many rows, made by a job where there is none. It
// appears under its name only once it is whole.
func cached(program, dir, name string, rows int64, j job) (string, error) {
	path := filepath.Join(dir, name)
	if n, err := rowsOf(path); err == nil && n == rows {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	fmt.Println("making", path)
	j.Path = path + ".part"
	if _, err := spawn(program, j); err != nil {
		return "", errors.Join(err, os.Remove(j.Path))
	}
	return path, os.Rename(j.Path, path)
}

// lineitemFile is the generated file with so many rows.
func lineitemFile(program, dir string, rows int64) (string, error) {
	name := "lineitem.parquet"
	if rows != lineitemRows {
		name = fmt.Sprintf("lineitem-%d.parquet", rows)
	}
	return cached(program, dir, name, rows, job{Do: "generate", Rows: rows})
}

// rowsOf is how many rows a Parquet file has by its footer.
func rowsOf(path string) (int64, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return 0, err
	}
	return f.NumRows(), f.Close()
}

// largeFiles are a file of about so many bytes, made of copies of another's row groups, and
// one of a quarter of its copies.
func largeFiles(program, base string, bytes int64) (full, quarter string, err error) {
	rows, err := rowsOf(base)
	if err != nil {
		return "", "", err
	}
	info, err := os.Stat(base)
	if err != nil {
		return "", "", err
	}
	enlarged := func(copies int64) (string, error) {
		name := fmt.Sprintf("lineitem-%dx%d.parquet", rows, copies)
		return cached(program, filepath.Dir(base), name, rows*copies, job{Do: "enlarge", Dir: base, Copies: copies})
	}
	copies := max(1, (bytes/4+info.Size()/2)/info.Size())
	if quarter, err = enlarged(copies); err != nil {
		return "", "", err
	}
	full, err = enlarged(4 * copies)
	return full, quarter, err
}

// enlarge is the job that writes a file with the row groups of the file at Dir, byte by
// byte, Copies times.
func enlarge(j job) (_ outcome, err error) {
	base, err := os.Open(j.Dir)
	if err != nil {
		return outcome{}, err
	}
	defer base.Close()
	start, end, err := dataOf(base)
	if err != nil {
		return outcome{}, err
	}
	out, err := os.Create(j.Path)
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.WriteString(out, "PAR1"); err != nil {
		return outcome{}, err
	}
	var whole *metadata.FileMetaData
	for i := range j.Copies {
		if _, err := io.Copy(out, io.NewSectionReader(base, start, end-start)); err != nil {
			return outcome{}, err
		}
		part, err := shifted(j.Dir, i*(end-start))
		if err != nil {
			return outcome{}, err
		}
		if whole == nil {
			whole = part
		} else if err := whole.AppendRowGroups(part); err != nil {
			return outcome{}, err
		}
	}
	return outcome{}, writeFooter(out, whole)
}

// dataOf is where the row groups of a Parquet file begin and end.
func dataOf(f *os.File) (start, end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	var tail [8]byte
	if _, err := f.ReadAt(tail[:], info.Size()-8); err != nil {
		return 0, 0, err
	}
	return 4, info.Size() - 8 - int64(binary.LittleEndian.Uint32(tail[:])), nil
}

// shifted is what describes a file, as if its data began so many bytes later.
func shifted(path string, by int64) (*metadata.FileMetaData, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	meta := f.MetaData()
	shift := func(at *int64) {
		if at != nil {
			*at += by
		}
	}
	for _, rg := range meta.RowGroups {
		rg.Ordinal = nil
		shift(rg.FileOffset)
		for _, c := range rg.Columns {
			if c.FileOffset > 0 {
				c.FileOffset += by
			}
			shift(c.ColumnIndexOffset)
			shift(c.OffsetIndexOffset)
			c.MetaData.DataPageOffset += by
			shift(c.MetaData.DictionaryPageOffset)
			shift(c.MetaData.IndexPageOffset)
			shift(c.MetaData.BloomFilterOffset)
		}
	}
	return meta, f.Close()
}

func writeFooter(w io.Writer, meta *metadata.FileMetaData) error {
	text, err := meta.Serialize(context.Background())
	if err != nil {
		return err
	}
	text = binary.LittleEndian.AppendUint32(text, uint32(len(text)))
	_, err = w.Write(append(text, "PAR1"...))
	return err
}
