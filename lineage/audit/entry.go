package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"time"
)

// Kind says what an entry is about.
type Kind string

// The kinds of entries. Those of the project's chain are genesis, adopt, mend, intent, run,
// backfill, and missing; of a dataset's genesis, adopt, mend, intent, publish, release, rollback,
// approval, decision and gc.
const (
	Genesis  Kind = "genesis"  // the first of a chain
	Adopt    Kind = "adopt"    // what was there before the chain began
	Mend     Kind = "mend"     // what a crash tore ends here
	Intent   Kind = "intent"   // a record or approvals are about to be written anew
	Run      Kind = "run"      // a run ended, or was decided upon
	Backfill Kind = "backfill" // a backfill ended
	Publish  Kind = "publish"  // a version became current
	Release  Kind = "release"  // a version with rows released from quarantine became current
	Rollback Kind = "rollback" // an earlier version became current again
	Approval Kind = "approval" // somebody approved of what a gate blocked
	Decision Kind = "decision" // somebody decided about a break
	GC       Kind = "gc"       // versions are to be removed
	Missing  Kind = "missing"  // a dataset's chain names a run that the project's does not know
)

// Entry is a line of a chain.
type Entry struct {
	// Seq counts from 1. Prev is the digest of the entry before; empty for the first.
	Seq  int64     `json:"seq"`
	Prev string    `json:"prev,omitempty"`
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`

	// Dataset names the chain; empty is the project's. Partition is the directory of the
	// partition below the dataset; empty if it has none.
	Dataset   string `json:"dataset,omitempty"`
	Partition string `json:"partition,omitempty"`
	Version   int64  `json:"version,omitempty"`
	Run       string `json:"run,omitempty"`
	Status    string `json:"status,omitempty"`
	Actor     string `json:"actor,omitempty"`

	// Digest is the SHA-256 of the file this stands for: the manifest, the record of the run, the
	// approvals of the partition, a decision. Previous is that of the manifest before.
	Digest   string `json:"digest,omitempty"`
	Previous string `json:"previous,omitempty"`

	// File is the name of the file among those of the partition, of a decision about a break.
	File string `json:"file,omitempty"`

	// Late says that a crash left it out, and it was added when that was found.
	Late bool `json:"late,omitempty"`
	// Removed are the versions that are no longer needed, and go.
	Removed []int64 `json:"removed,omitempty"`
	// Heads are the last entries of the chains of datasets, as of this one.
	Heads []Head `json:"heads,omitempty"`
	// Torn is what lies between the entry before and this one.
	Torn *Torn `json:"torn,omitempty"`

	// Sum is the digest of the line, Sig its signature, Key the id of the key that signed.
	Sum string `json:"-"`
	Sig []byte `json:"-"`
	Key string `json:"-"`

	signed []byte // what Sig is of
}

// Head is the last entry of a chain.
type Head struct {
	Dataset string `json:"dataset,omitempty"`
	Seq     int64  `json:"seq"`
	Sum     string `json:"sum"`
}

// String is how a head is written down, to be kept elsewhere.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Sum) }

// Torn is a part of a chain's file that holds no entries.
type Torn struct {
	At     int64  `json:"at"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// FileName is the name of a chain's file.
const FileName = "audit.jsonl"

// stateDir is where chains lie: of the project below its root, of a dataset beside it.
const stateDir = ".penstock"

// Path is the file of a dataset's chain, or of the project's where the dataset is empty.
func Path(root, dataset string) string {
	if dataset == "" {
		return filepath.Join(root, stateDir, FileName)
	}
	return filepath.Join(root, filepath.FromSlash(path.Dir(dataset)), stateDir, "datasets", path.Base(dataset), FileName)
}

// A line is {"sum":"…","sig":"…","key":"…","seq":…}: the digest is of all that follows it, the
// signature of all that follows the key. Neither is left to how somebody writes JSON.
const (
	beforeSum = `{"sum":"`
	beforeSig = `"sig":"`
	beforeKey = `"key":"`
	endText   = `",`
)

// signedAs begins what is signed, so that no signature made for something else is one of ours.
const signedAs = "penstock audit 1\n"

// line writes an entry, signed if there is a key, and fills in its digest.
func (e *Entry) line(key *Key) ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	text = text[1:] // the brace
	if key != nil {
		e.Key, e.Sig = key.ID, key.sign(text)
		text = fmt.Appendf(nil, "%s%s%s%s%s%s%s", beforeSig, base64.StdEncoding.EncodeToString(e.Sig), endText, beforeKey, e.Key, endText, text)
	}
	e.Sum = digestOf(text)
	return fmt.Appendf(nil, "%s%s%s%s\n", beforeSum, e.Sum, endText, text), nil
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

var errNoEntry = errors.New("it is no entry")

// parse reads a line without its end, and checks its digest.
func parse(line []byte) (*Entry, error) {
	rest, ok := bytes.CutPrefix(line, []byte(beforeSum))
	if !ok {
		return nil, errNoEntry
	}
	sum, rest, ok := bytes.Cut(rest, []byte(endText))
	if !ok {
		return nil, errNoEntry
	}
	e := &Entry{Sum: string(sum)}
	if now := digestOf(rest); now != e.Sum {
		return nil, fmt.Errorf("its sha256 is %.12s, it says %.12s", now, e.Sum)
	}
	if after, ok := bytes.CutPrefix(rest, []byte(beforeSig)); ok {
		sig, after, _ := bytes.Cut(after, []byte(endText))
		after, ok = bytes.CutPrefix(after, []byte(beforeKey))
		key, after, _ := bytes.Cut(after, []byte(endText))
		var err error
		if e.Sig, err = base64.StdEncoding.DecodeString(string(sig)); err != nil || !ok {
			return nil, errNoEntry
		}
		e.Key, rest = string(key), after
	}
	e.signed = rest
	if err := json.Unmarshal(append([]byte("{"), rest...), e); err != nil {
		return nil, fmt.Errorf("it is no entry: %w", err)
	}
	return e, nil
}
