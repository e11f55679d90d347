package parquet

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/parquet-go/parquet-go/format"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/operators/files"
)

// indexKey names the digest of a file's indexes in the metadata of its footer, whose own
// digest covers it. The digest is of all bytes from the end of the last column chunk to
// the footer: page indexes and Bloom filters.
const indexKey = "penstock.indexes"

// digests are what a file was published with. The zero digests are those of a file of
// others: nothing is known.
//
// A chunk is verified whole before a value of it is believed, also where only some of its
// pages are wanted: the checksum of a page leaves its header out, and a header with
// another encoding or number of values gives other values. To hash a chunk costs a
// fraction of unpacking it.
type digests struct {
	chunks   [][]string
	verified *sync.Map // of chunk: those read in several splits
	indexes  func(f *footer) error
}

type chunk struct{ group, column int }

var (
	errPublished = errors.New("is not as it was published")
	errUncovered = errors.New("the file has no digest of its indexes")
)

// digestsOf gives the digests of a file after it has held its footer against them.
func digestsOf(of files.File, text []byte) (d digests, err error) {
	if of.Footer != "" {
		if err := matches(of.Footer, xxh3.Hash(text)); err != nil {
			return d, bad(of.Path, "its footer %s", err).With("`penstock verify` tells what else is not as it was published")
		}
	}
	if of.Chunks != nil {
		d.chunks, d.verified = of.Chunks, &sync.Map{}
		var once sync.Once
		var verdict error
		d.indexes = func(f *footer) error {
			once.Do(func() { verdict = f.verifyIndexes() })
			return verdict
		}
	}
	return d, nil
}

func matches(digest string, sum uint64) error {
	want, err := strconv.ParseUint(digest, 16, 64)
	if err != nil {
		return fmt.Errorf("has a digest that is none: %q", digest)
	}
	if want != sum {
		return fmt.Errorf("%w: its digest is %016x, and was %016x", errPublished, sum, want)
	}
	return nil
}

// verifyChunk reads the chunk that r is about to read. One of more than wholeChunk bytes
// is read a second time for its values; that the file does not change in between is what
// open sees to.
func (f *footer) verifyChunk(r *pageReader, of rowRange, column int) error {
	if f.digests.chunks == nil {
		return nil
	}
	if of.group >= len(f.digests.chunks) || column >= len(f.digests.chunks[of.group]) {
		return fmt.Errorf("%w: it was not there", errPublished)
	}
	id := chunk{of.group, column}
	if !of.all {
		if _, done := f.digests.verified.Load(id); done {
			return nil
		}
	}
	if r.end-r.at <= wholeChunk {
		r.ahead = wholeChunk
	}
	h := xxh3.New()
	for at := r.at; at < r.end; {
		n := min(int64(r.ahead), r.end-at)
		b, err := r.bytes(at, int(n))
		if err != nil {
			return err
		}
		_, _ = h.Write(b) // a hash takes anything
		at += n
	}
	if err := matches(f.digests.chunks[of.group][column], h.Sum64()); err != nil {
		return err
	}
	if !of.all {
		f.digests.verified.Store(id, true)
	}
	return nil
}

// believed says whether the indexes of the file may be used: errUncovered says no, any
// other error that they are damaged. The file must be open.
func (f *footer) believed() error {
	if f.digests.indexes == nil {
		return nil
	}
	return f.digests.indexes(f)
}

// verifyIndexes holds the indexes against their digest.
func (f *footer) verifyIndexes() error {
	digest, ok := f.Lookup(indexKey)
	if !ok {
		return errUncovered
	}
	from, to := f.indexRange()
	if from > to || to-from > maxIndexes {
		return errUncovered
	}
	text := make([]byte, to-from)
	if _, err := f.ReadAt(text, from); err != nil {
		return bad(f.name, "reading its indexes: %s", noEOF(err))
	}
	if err := matches(digest, xxh3.Hash(text)); err != nil {
		return bad(f.name, "its indexes: %s", err)
	}
	return nil
}

// maxIndexes bounds the indexes of a file that are held against a digest, in bytes.
const maxIndexes = 256 << 20

// indexRange is where the indexes are: between the last chunk and the footer.
func (f *footer) indexRange() (from, to int64) {
	from = int64(len(magic))
	for i := range f.Metadata().RowGroups {
		for j := range f.Metadata().RowGroups[i].Columns {
			m := &f.Metadata().RowGroups[i].Columns[j].MetaData
			from = max(from, chunkStart(m)+max(0, m.TotalCompressedSize))
		}
	}
	return from, f.footerAt
}

// covered reports whether a part of the file is among the indexes.
func (f *footer) covered(from, n int64) bool {
	if f.digests.indexes == nil {
		return true
	}
	low, high := f.indexRange()
	return n >= 0 && from >= low && from <= high-n
}

// chunkStart is where the pages of a chunk begin.
func chunkStart(m *format.ColumnMetaData) int64 {
	if d := m.DictionaryPageOffset; d > 0 && d < m.DataPageOffset {
		return d
	}
	return m.DataPageOffset
}
