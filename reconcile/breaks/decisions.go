package breaks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// Decisions is the source of what was decided about the breaks of a ledger up to the partition
// of the run, in the order in which it holds. No decision is no row.
type Decisions struct {
	// Dataset is the directory of the ledger, relative to the project.
	Dataset string
}

// decisionsSchema is a row a decision; nr counts them in their order, from 1.
var decisionsSchema = arrow.NewSchema([]arrow.Field{
	{Name: "nr", Type: arrow.PrimitiveTypes.Int64},
	{Name: words.ColBreak, Type: arrow.BinaryTypes.String},
	{Name: "action", Type: arrow.BinaryTypes.String},
	{Name: "partition", Type: arrow.BinaryTypes.String},
	{Name: "actor", Type: arrow.BinaryTypes.String},
	{Name: "owner", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "reason", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "until", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: words.ColOutcome, Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: words.ColLeft, Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: words.ColRight, Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: words.ColDelta, Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// String implements pipeline.Source.
func (s Decisions) String() string { return "decisions about " + path.Clean(s.Dataset) }

// List implements pipeline.Lister.
func (s Decisions) List(env *pipeline.Env) ([]pipeline.File, error) {
	read := env.Dirs
	if read == nil {
		read = os.ReadDir
	}
	root := DecisionsDir(s.Dataset)
	dirs, err := read(filepath.Join(env.Dir, filepath.FromSlash(root)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var parts []pipeline.Partition
	for _, d := range dirs {
		p, err := pipeline.ParseDir(d.Name())
		if err == nil && d.IsDir() && holds(p, env.Partition) {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, func(a, b pipeline.Partition) int { return strings.Compare(a.Value, b.Value) })
	var all []pipeline.File
	for _, p := range parts {
		in := path.Join(root, p.Dir())
		entries, err := read(filepath.Join(env.Dir, filepath.FromSlash(in)))
		if err != nil {
			return nil, err
		}
		if len(all)+len(entries) > MaxDecisions {
			return nil, pipeline.Errorf(pipeline.BadInput, "%s has more than %d decisions", root, MaxDecisions).
				With("let the stage publish a new ledger, into another directory")
		}
		for _, e := range entries { // by name: in their order
			if strings.HasSuffix(e.Name(), ".tmp") {
				continue // is being written, or a crash left it
			}
			f, err := listed(env.Dir, path.Join(in, e.Name()), e)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
	}
	return all, nil
}

// holds reports whether what was decided from a partition on holds in another. Of other windows,
// as the pipeline may have had before, those count that begin in it or earlier.
func holds(from, in pipeline.Partition) bool {
	return from.Value <= in.Value || from.By != in.By && strings.HasPrefix(from.Value, in.Value)
}

func listed(dir, name string, e fs.DirEntry) (f pipeline.File, err error) {
	if !decisionFile.MatchString(e.Name()) || !e.Type().IsRegular() {
		return f, refused(name, "is no decision: penstock did not put it there")
	}
	info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return f, err
	}
	if info.Size() > maxDecision {
		return f, refused(name, "has %d bytes; a decision has at most %d", info.Size(), maxDecision)
	}
	return pipeline.File{Path: name, Bytes: info.Size(), Modified: info.ModTime().UTC(), Rows: 1}, nil
}

func refused(name, format string, args ...any) error {
	return &pipeline.Error{
		Kind: pipeline.BadInput, Where: name, Msg: fmt.Sprintf(format, args...),
		Evidence: []string{
			"`penstock audit verify` tells what else is not as it was put on record",
			"put back what was decided, from a copy, and move away what nobody decided; or let the stage publish a new ledger, into another directory",
		},
	}
}

// All gives the decisions that hold in env's partition, in their order. One that is not on record
// is an error.
func (s Decisions) All(env *pipeline.Env) ([]Decision, error) {
	_, all, err := s.read(env)
	return all, err
}

// Holds reports whether what is accepted until a day or a partition is so in a partition, as both
// are written: hours are those of a day.
func Holds(partition, until string) bool {
	return until == "" || partition <= until || strings.HasPrefix(partition, until+"T")
}

// Resolve implements pipeline.Source. A decision that is not on record is an error.
func (s Decisions) Resolve(_ context.Context, env *pipeline.Env) (*pipeline.Input, error) {
	files, all, err := s.read(env)
	if err != nil {
		return nil, err
	}
	in := &pipeline.Input{Schema: decisionsSchema, Files: files}
	for i := range all {
		in.Splits = append(in.Splits, pipeline.Split{
			Name: files[i].Path, File: i, Rows: 1, Bytes: files[i].Bytes,
			Open: func(_ context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
				return pipeline.Batches(chosen(decisionRows(env, i+1, all[i]), columns)), nil
			},
		})
	}
	return in, nil
}

// maxLooks bounds how often decisions are read anew because others were made meanwhile.
const maxLooks = 100

// read gives the files of the decisions that hold, and what is in them. One may be put on record
// between the look at the files and that at the record: then it is read anew.
func (s Decisions) read(env *pipeline.Env) (files []pipeline.File, all []Decision, err error) {
	for look := 1; ; look++ {
		lacks := ""
		if files, all, lacks, err = s.look(env); err != nil || lacks == "" {
			return files, all, err
		}
		if info, serr := os.Lstat(filepath.Join(env.Dir, filepath.FromSlash(lacks))); serr != nil || !info.Mode().IsRegular() || look == maxLooks {
			return nil, nil, refused(lacks, "is gone, and the audit has it on record")
		}
	}
}

// look is read, once; lacks is a file that is on record and was not there.
func (s Decisions) look(env *pipeline.Env) (files []pipeline.File, all []Decision, lacks string, err error) {
	if files, err = s.List(env); err != nil {
		return nil, nil, "", err
	}
	known := map[string]pipeline.RecordedFile{}
	if env.Recorded != nil {
		if known, err = env.Recorded(path.Clean(s.Dataset)); err != nil {
			return nil, nil, "", err
		}
	}
	place := func(f pipeline.File) string { return path.Join(path.Base(path.Dir(f.Path)), path.Base(f.Path)) }
	files = slices.DeleteFunc(files, func(f pipeline.File) bool { return known[place(f)].Later })
	for i, f := range files {
		text, err := ReadDecision(env.Dir, f.Path)
		if err != nil {
			return nil, nil, "", err
		}
		d, err := ParseDecision(s.Dataset, f.Path, text)
		if err != nil {
			return nil, nil, "", err
		}
		sum := sha256.Sum256(text)
		digest := hex.EncodeToString(sum[:])
		if env.Recorded != nil && !slices.Contains(known[place(f)].Digests, digest) {
			return nil, nil, "", refused(f.Path, "is not on record as it is: no entry of the audit says who decided it")
		}
		delete(known, place(f))
		files[i].Bytes, files[i].SHA256 = int64(len(text)), digest
		all = append(all, *d)
	}
	for _, place := range slices.Sorted(maps.Keys(known)) {
		from, err := pipeline.ParseDir(path.Dir(place))
		if known[place].Stands && !known[place].Later && (err != nil || holds(from, env.Partition)) {
			return nil, nil, path.Join(DecisionsDir(s.Dataset), place), nil
		}
	}
	return files, all, "", nil
}

// ReadDecision reads the file of a decision, relative to the project, no more than one can have.
func ReadDecision(dir, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDecision+1))
	if err == nil && len(text) > maxDecision {
		err = refused(name, "has more than %d bytes", maxDecision)
	}
	return text, err
}

// ParseDecision reads a decision about a ledger from the text of its file, whose path says the
// same.
func ParseDecision(dataset, name string, text []byte) (*Decision, error) {
	d := &Decision{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return nil, refused(name, "can't be read: %v", err)
	}
	if err := d.Check(); err != nil {
		return nil, refused(name, "%v", err)
	}
	p, err := pipeline.ParseDir(path.Base(path.Dir(name)))
	if err != nil || d.Dataset != path.Clean(dataset) || d.Partition != p.Value || d.File() != path.Base(name) {
		return nil, refused(name, "says that it is %s of %s@%s: it was moved", d.File(), d.Dataset, d.Partition)
	}
	return d, nil
}

// decisionRows are rows of decisions, of which the first has a number.
func decisionRows(env *pipeline.Env, first int, all ...Decision) arrow.RecordBatch {
	b := array.NewRecordBuilder(env.Alloc, decisionsSchema)
	defer b.Release()
	for i, d := range all {
		v := d.Accepted
		if v == nil {
			v = &Values{}
		}
		b.Field(0).(*array.Int64Builder).Append(int64(first + i))
		for j, s := range []*string{
			&d.Break, &d.Action, &d.Partition, &d.Actor, given(d.Owner), given(d.Reason), given(d.Until),
			given(v.Outcome), v.Left, v.Right, v.Delta,
		} {
			if to := b.Field(j + 1).(*array.StringBuilder); s == nil {
				to.AppendNull()
			} else {
				to.Append(*s)
			}
		}
	}
	return b.NewRecordBatch()
}

// given is nil for a text that was left out.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// chosen takes columns of a batch, which it owns; nil is all.
func chosen(b arrow.RecordBatch, columns []string) arrow.RecordBatch {
	if columns == nil {
		return b
	}
	defer b.Release()
	var fields []arrow.Field
	var cols []arrow.Array
	for i, f := range b.Schema().Fields() {
		if slices.Contains(columns, f.Name) {
			fields, cols = append(fields, f), append(cols, b.Column(i))
		}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows())
}
