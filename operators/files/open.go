package files

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxUnpacked bounds what a compressed file may unpack to: its own size times
// maxRatio, and at least minUnpacked, in bytes.
const (
	maxRatio    = 200
	minUnpacked = 1 << 30
)

// Reader opens a file for reading from its beginning, and unpacks it if its name ends in
// .gz or .zst.
func Reader(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	limit := max(info.Size()*maxRatio, minUnpacked)
	switch {
	case strings.HasSuffix(path, ".gz"):
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("is not gzip, as its name says: %w", err), f.Close())
		}
		return &unpacked{z, []io.Closer{z, f}, limit}, nil
	case strings.HasSuffix(path, ".zst"):
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("is not zstd, as its name says: %w", err), f.Close())
		}
		return &unpacked{z, []io.Closer{z.IOReadCloser(), f}, limit}, nil
	}
	return f, nil
}

type unpacked struct {
	io.Reader
	closers []io.Closer
	left    int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if u.left -= int64(n); u.left < 0 {
		return 0, fmt.Errorf("unpacks to more than %d times its size; it is not read any further", maxRatio)
	}
	return n, err
}

func (u *unpacked) Close() (err error) {
	for _, c := range u.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}
