package pipeline

import (
	"context"
	"errors"
	"io"
)

func isCanceled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// isEOF compares by identity: damaged files give errors that wrap io.EOF, and
// those are no end of the data.
func isEOF(err error) bool { return err == io.EOF } //nolint:errorlint // see above
