package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// slack is room behind what is unpacked, which decoders use to be faster.
const slack = 64

// unpack decompresses src, whose size unpacked is declared, to dst[:size], which is
// allocated where dst is too small. Data that unpacks to any other size is an error, and
// no codec is let write more than was declared.
func unpack(codec format.CompressionCodec, dst, src []byte, size int) ([]byte, error) {
	if codec == format.Uncompressed {
		if len(src) != size {
			return nil, errSize
		}
		return src, nil
	}
	if size == 0 {
		return dst[:0], nil // some writers leave an empty page without a frame
	}
	if cap(dst) < size+slack {
		dst = make([]byte, size+slack)
	}
	dst = dst[:size]
	switch codec {
	case format.Zstd:
		out, err := zstdDecoder().DecodeAll(src, dst[:0])
		return exactly(out, size, err)
	case format.Snappy:
		if n, err := snappy.DecodedLen(src); err != nil || n != size {
			return nil, errSize
		}
		out, err := snappy.Decode(dst, src)
		return exactly(out, size, err)
	case format.Gzip:
		r, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		return dst, readAll(dst, r)
	case format.Brotli:
		return dst, readAll(dst, brotli.NewReader(bytes.NewReader(src)))
	case format.Lz4Raw:
		return dst, unpackLZ4(dst, src)
	case format.Lz4:
		return dst, unpackHadoopLZ4(dst, src)
	}
	return nil, fmt.Errorf("it is compressed with %v, which is not read", codec)
}

var errSize = errors.New("it does not unpack to the size its header says")

var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err) // the options are constant
	}
	return d
})

func exactly(out []byte, size int, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if len(out) != size {
		return nil, errSize
	}
	return out, nil
}

// readAll reads exactly len(dst) bytes and then the end.
func readAll(dst []byte, r io.Reader) error {
	if _, err := io.ReadFull(r, dst); err != nil {
		return fmt.Errorf("%w: %w", errSize, err)
	}
	var more [1]byte
	if n, err := io.ReadFull(r, more[:]); n > 0 || err != io.EOF {
		return errSize
	}
	return nil
}

func unpackLZ4(dst, src []byte) error {
	n, err := lz4.UncompressBlock(src, dst)
	if err != nil {
		return err
	}
	if n != len(dst) {
		return errSize
	}
	return nil
}

// unpackHadoopLZ4 unpacks what the codec LZ4 stands for: blocks with both sizes before
// them, big-endian, as Hadoop writes them; of some old writers, one block without.
func unpackHadoopLZ4(dst, src []byte) error {
	rest, out := src, dst
	for len(rest) >= 8 {
		plain, packed := binary.BigEndian.Uint32(rest), binary.BigEndian.Uint32(rest[4:])
		rest = rest[8:]
		if uint64(packed) > uint64(len(rest)) || uint64(plain) > uint64(len(out)) || unpackLZ4(out[:plain], rest[:packed]) != nil {
			return unpackLZ4(dst, src)
		}
		rest, out = rest[packed:], out[plain:]
	}
	if len(rest) > 0 || len(out) > 0 {
		return unpackLZ4(dst, src)
	}
	return nil
}
