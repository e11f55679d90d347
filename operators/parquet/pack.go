package parquet

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// packer compresses pages. It is safe for concurrent use.
type packer struct {
	codec format.CompressionCodec
	// always is that every page is compressed, even where it does not pay.
	always bool
}

// codecs are the codecs by the names Format has for them.
var codecs = map[string]format.CompressionCodec{
	"": format.Zstd, "zstd": format.Zstd, "snappy": format.Snappy, "gzip": format.Gzip, "none": format.Uncompressed,
}

// zstdEncoder is shared: each call takes one of as many encoders as there are processors.
// Pages have checksums, so frames need none.
var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options are constant
	}
	return e
})

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// pack appends a compressed page to dst, which is empty.
func (p *packer) pack(dst, src []byte, codec format.CompressionCodec) ([]byte, error) {
	switch codec {
	case format.Zstd:
		return zstdEncoder().EncodeAll(src, dst), nil
	case format.Snappy:
		return snappy.Encode(dst[:cap(dst)], src), nil
	case format.Gzip:
		w := gzipWriters.Get().(*gzip.Writer)
		defer gzipWriters.Put(w)
		buf := bytes.NewBuffer(dst)
		w.Reset(buf)
		if _, err := w.Write(src); err != nil {
			return nil, err
		}
		err := w.Close()
		return buf.Bytes(), err
	}
	return append(dst, src...), nil
}

// choose decides whether a chunk is compressed, by its dictionary and the first of its
// pages. Parquet has one codec for a chunk, so that what doesn't pay, as with numbers that
// are packed to bits, is left as it is throughout: readers need not unpack it.
func (p *packer) choose(dict, page []byte, pages int) format.CompressionCodec {
	if p.always || p.codec == format.Uncompressed {
		return p.codec
	}
	saved := p.saving(dict) + float64(pages)*p.saving(page)
	if saved*minSaving < float64(len(dict)+pages*len(page)) {
		return format.Uncompressed
	}
	return p.codec
}

// trial is how much of a page is compressed to see whether it pays, in bytes.
const trial = 32 << 10

// saving is about how many bytes compression takes off a page.
func (p *packer) saving(b []byte) float64 {
	if len(b) == 0 {
		return 0
	}
	part := b
	if len(b) > 2*trial {
		part = b[len(b)/2-trial/2:][:trial]
	}
	buf := packBuffers.Get().(*[]byte)
	defer packBuffers.Put(buf)
	out, err := p.pack((*buf)[:0], part, p.codec)
	if err != nil {
		return float64(len(b)) // the error comes again
	}
	*buf = out
	return float64(len(part)-len(out)) / float64(len(part)) * float64(len(b))
}

// minSaving is what part of a chunk compression must save: one in so many bytes.
const minSaving = 20

var packBuffers = sync.Pool{New: func() any { return new([]byte) }}
