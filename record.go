package penstock

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/penstock-data/penstock/pipeline"
)

// The record of a run begins with a digest of the rest, so that a bit that flipped is told and
// not believed. It is a member of the object, so that the file is JSON for any reader.
const (
	sumBefore = "{\n  \"sha256\": \""
	sumAfter  = "\",\n"
)

// recordText is what is written of a run.
func recordText(rec *pipeline.RunRecord) ([]byte, error) {
	text, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return nil, err
	}
	rest := append(text[len("{\n"):], '\n')
	sum := sha256.Sum256(rest)
	return append([]byte(sumBefore+hex.EncodeToString(sum[:])+sumAfter), rest...), nil
}

// readRun reads the record of a run.
func readRun(path string) (*pipeline.RunRecord, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rec := &pipeline.RunRecord{}
	if err = checkRecord(text); err == nil {
		err = json.Unmarshal(text, rec)
	}
	if err != nil {
		return nil, pipeline.Errorf(pipeline.IO, "%s is not the record of a run: %w", path, err).
			With("move it away and run `penstock rebuild`; only the history of this run is lost")
	}
	return rec, nil
}

// checkRecord compares the digest of a record. One that was written before there were any has
// none.
func checkRecord(text []byte) error {
	after, ok := bytes.CutPrefix(text, []byte(sumBefore))
	if !ok {
		return nil
	}
	want, rest, _ := bytes.Cut(after, []byte(sumAfter))
	if sum := sha256.Sum256(rest); string(want) != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("its sha256 is %.12x, it says %.12s", sum, want)
	}
	return nil
}
