package csv

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/penstock-data/penstock/pipeline"
)

// maxLine bounds the length of a line that is chosen by its text, in bytes.
const maxLine = 16 << 20

// chosen reads a CSV file with empty lines, which the reader of CSV passes over, in place of
// the rows that are not taken: the others keep their line numbers. A row is as long as its
// quotes say, and taken or not by its first line.
type chosen struct {
	in        *bufio.Reader
	takes     func(line []byte) bool
	delimiter []byte
	header    bool // the next row is the header, which is always taken
	quoted    bool // the line begins within a quoted field
	taking    bool // the row of the line before was taken
	line      []byte
	rest      []byte // of line, that is still to be given
	err       error
	number    int
	bad       func(line int, format string, args ...any) *pipeline.Error
}

func newChosen(r io.Reader, takes func([]byte) bool, delimiter rune, header bool) *chosen {
	return &chosen{
		in: bufio.NewReaderSize(r, 64<<10), takes: takes, header: header,
		delimiter: utf8.AppendRune(nil, delimiter),
	}
}

// Read implements io.Reader.
func (c *chosen) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.err = c.next()
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// next reads a line and decides what is given of it. With an error there may be one, too.
func (c *chosen) next() error {
	err := c.readLine()
	c.number++
	text := bytes.TrimSuffix(bytes.TrimSuffix(c.line, []byte("\n")), []byte("\r"))
	if !c.quoted {
		if len(text) == 0 { // no row begins here
			c.rest = c.line
			return err
		}
		c.taking = c.header || c.takes(text)
		c.header = false
	}
	c.quoted = c.opens(text)
	c.rest = c.line
	if !c.taking {
		c.rest = []byte("\n")
	}
	return err
}

// readLine reads a line, with its end, into c.line.
func (c *chosen) readLine() error {
	c.line = c.line[:0]
	for {
		part, err := c.in.ReadSlice('\n')
		c.line = append(c.line, part...)
		if len(c.line) > maxLine {
			c.line = c.line[:0]
			return c.bad(c.number+1, "longer than %d MiB", maxLine>>20)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// opens reports whether a line ends within a quoted field.
func (c *chosen) opens(line []byte) bool {
	quoted := c.quoted
	for {
		if quoted {
			i := bytes.IndexByte(line, '"')
			if i < 0 {
				return true
			}
			line = line[i+1:]
			if len(line) > 0 && line[0] == '"' {
				line = line[1:]
				continue
			}
		} else if len(line) > 0 && line[0] == '"' {
			line, quoted = line[1:], true
			continue
		}
		i := bytes.Index(line, c.delimiter)
		if i < 0 || bytes.IndexByte(line, '"') < 0 {
			return false
		}
		line, quoted = line[i+len(c.delimiter):], false
	}
}
