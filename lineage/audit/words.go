package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func quote(s string) string { return strconv.Quote(s) }

// short is as much of a digest as people compare.
func short(sum string) string {
	switch {
	case sum == "":
		return "none"
	case len(sum) > 12:
		return sum[:12]
	}
	return sum
}

func nameOfPartition(dir string) string {
	if dir == "" {
		return whole
	}
	return dir
}

// nameOf is the directory of a version among those of its partition.
func nameOf(version int64) string { return fmt.Sprintf("%06d", version) }

func versionOf(name string) (int64, error) {
	n, err := strconv.ParseInt(name, 10, 64)
	if err == nil && nameOf(n) != name {
		err = strconv.ErrSyntax
	}
	return n, err
}

// reason is an error without the path, which is said before.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}
