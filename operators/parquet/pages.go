package parquet

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/parquet-go/parquet-go/format"
)

const (
	// maxPage bounds the bytes of a page, unpacked; writers aim at one MiB.
	maxPage = 256 << 20
	// maxRatio bounds how many times its size in the file a page above freePage takes.
	maxRatio, freePage = 2000, 32 << 20
	// maxHeader bounds the header of a page, in bytes.
	maxHeader = 8 << 20
	// wholeChunk is up to how many bytes a chunk that is to be verified is read at once, so
	// that it is read only once. Others are read in pieces of readBuffer, which is no slower
	// and stays in the cache.
	wholeChunk = 4 << 20
)

// pageReader gives the pages of a column chunk, in order. Nothing that a header says is
// believed before it is compared with the sizes of the chunk.
type pageReader struct {
	src    io.ReaderAt
	at     int64 // of the next header in the file
	end    int64
	codec  format.CompressionCodec
	number int // of the next page in the chunk
	ahead  int // how much is read at once, in bytes
	read   int64

	*scratch
	base int64 // of the window
}

// scratch is memory that readers of pages use one after the other. Nothing that leaves
// them lies in it.
type scratch struct {
	window   []byte // bytes of the file
	unpacked []byte // a page
	vals     values
	rep, def []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxKept bounds the scratch that is kept for the next reader, in bytes. Some writers make one
// page of a column of a row group: of texts it takes some 10 MB.
const maxKept = 32 << 20

func (s *scratch) free() {
	s.vals.dict, s.window = nil, s.window[:0]
	if cap(s.window)+cap(s.unpacked)+cap(s.vals.store)+cap(s.vals.scratch)+4*cap(s.vals.indexes)+4*cap(s.vals.offsets)+cap(s.rep)+cap(s.def) <= maxKept {
		scratches.Put(s)
	}
}

// rawPage is a page as it is in the file.
type rawPage struct {
	header pageHeader
	number int
	body   []byte // valid until the next page is read
}

// chunkPages reads the pages of a chunk of a file of size bytes.
func chunkPages(src io.ReaderAt, size int64, chunk *format.ColumnMetaData) (*pageReader, error) {
	from := chunkStart(chunk)
	length := chunk.TotalCompressedSize
	if from < 4 || length < 0 || length > size-8-from {
		return nil, fmt.Errorf("the footer says it is %d bytes from byte %d on, the file has %d", length, from, size)
	}
	return &pageReader{src: src, at: from, end: from + length, codec: chunk.Codec, ahead: readBuffer, scratch: scratches.Get().(*scratch)}, nil
}

// bytes gives n bytes of the chunk, through a window over the file.
func (r *pageReader) bytes(from int64, n int) ([]byte, error) {
	if n < 0 || from+int64(n) > r.end {
		return nil, errors.New("it goes beyond its column")
	}
	if from < r.base || from+int64(n) > r.base+int64(len(r.window)) {
		size := int(min(int64(max(n, r.ahead)), r.end-from))
		if cap(r.window) < size {
			r.window = make([]byte, size)
		}
		r.window, r.base = r.window[:size], from
		if _, err := r.src.ReadAt(r.window, from); err != nil {
			r.window = r.window[:0]
			return nil, fmt.Errorf("reading the file: %w", noEOF(err))
		}
		r.read += int64(size)
	}
	i := from - r.base
	return r.window[i : i+int64(n)], nil
}

// noEOF keeps the end of a file from being taken for that of a stream.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next reads the header of the next page, and its body where wanted says so. At the end
// of the chunk it gives nil.
func (r *pageReader) next(wanted func(*pageHeader) bool) (*rawPage, error) {
	if r.at >= r.end {
		return nil, nil
	}
	p := &rawPage{number: r.number}
	r.number++
	size, err := r.header(p)
	if err == nil {
		err = p.header.check()
	}
	if err != nil {
		return nil, fmt.Errorf("the header of page %d: %w", p.number, err)
	}
	from := r.at + int64(size)
	r.at = from + int64(p.header.packed)
	if r.at > r.end {
		return nil, fmt.Errorf("page %d goes beyond its column", p.number)
	}
	if !wanted(&p.header) {
		return p, nil
	}
	if p.body, err = r.bytes(from, int(p.header.packed)); err != nil {
		return nil, fmt.Errorf("page %d: %w", p.number, err)
	}
	if p.header.hasCRC {
		if sum := crc32.ChecksumIEEE(p.body); sum != p.header.crc {
			return nil, fmt.Errorf("page %d: its checksum is %08x, the file says %08x", p.number, sum, p.header.crc)
		}
	}
	return p, nil
}

// header decodes the header at r.at and gives its size.
func (r *pageReader) header(p *rawPage) (size int, err error) {
	for n := 256; ; n *= 16 {
		window, err := r.bytes(r.at, int(min(int64(n), r.end-r.at)))
		if err != nil {
			return 0, err
		}
		if p.header, size, err = parseHeader(window); err == nil {
			return size, nil
		}
		if !errors.Is(err, errThrift) || len(window) < n || n >= maxHeader {
			return 0, err
		}
	}
}

// unpack gives the body of a page, or of what is packed of it, decompressed. It is valid
// until the next call.
func (r *pageReader) unpack(body []byte, size int) ([]byte, error) {
	out, err := unpack(r.codec, r.unpacked, body, size)
	if err == nil && r.codec != format.Uncompressed {
		r.unpacked = out
	}
	return out, err
}
