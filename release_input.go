package penstock

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// releasedSource is what a release reads: what is published, then what is released.
type releasedSource struct {
	text string
	in   *pipeline.Input
}

func (s *releasedSource) String() string { return s.text }

// Resolve implements pipeline.Source: it was resolved when the release was prepared.
func (s *releasedSource) Resolve(context.Context, *pipeline.Env) (*pipeline.Input, error) {
	return s.in, nil
}

// prepare resolves what is read, and chooses the rows.
func (r *release) prepare(ctx context.Context) (err error) {
	own := r.stage.Output.Format
	in, err := r.p.stored(ctx, r.from, false, own)
	if err != nil {
		return err
	}
	if r.quarantine, err = r.p.stored(ctx, r.from, true, own); err != nil {
		return err
	}
	if r.index, err = r.p.indexAside(ctx, r.from, r.quarantine); err != nil {
		return err
	}
	if err := r.index.choose(r.from, r.opts.Rules); err != nil {
		return err
	}
	all := &pipeline.Input{Schema: in.Schema, Splits: slices.Clone(in.Splits), Files: slices.Concat(in.Files, someOf(r.quarantine.Files))}
	all.Approved, all.Tags = r.from.manifest.ApprovedGates(), map[string][]string{}
	r.from.manifest.TagsInto(all.Tags)
	if r.opts.Rows != "" {
		splits, err := r.corrected(ctx, all.Schema)
		if err != nil {
			return err
		}
		addSplits(all, splits, len(all.Files))
		all.Files = append(all.Files, someOf(r.fixed.Files)...)
	} else {
		addSplits(all, r.splits(all.Schema), len(in.Files))
	}
	r.source = releasedSource{"published and quarantined rows of " + r.from.ref(), all}
	return nil
}

// someOf are files of which some rows are read.
func someOf(files []pipeline.File) []pipeline.File {
	some := slices.Clone(files)
	for i := range some {
		some[i].Rows = -1
	}
	return some
}

// addSplits adds splits of files that stand in the input from a place on.
func addSplits(in *pipeline.Input, splits []pipeline.Split, files int) {
	for _, s := range splits {
		s.File += files
		in.Splits = append(in.Splits, s)
	}
}

// asideIndex knows of each quarantined row of a version where it came from, and whether it
// is released.
type asideIndex struct {
	names  []string // of sources
	source []int32
	row    []int64 // -1 where it is not known
	rules  []int32 // of sets
	sets   []string
	chosen []bool
	rows   int64   // how many are
	starts []int64 // the first row of each split
}

// indexBytes is what the index takes for a row.
const indexBytes = 4 + 8 + 4 + 1

// indexAside reads why the rows were put aside and where they came from.
func (p *Project) indexAside(ctx context.Context, v *versionAt, in *pipeline.Input) (*asideIndex, error) {
	rows := int64(0)
	for _, f := range v.manifest.Quarantine {
		rows += f.Rows
	}
	if rows*indexBytes > p.opts.Memory/4 {
		return nil, pipeline.Errorf(pipeline.Memory, "%d rows are quarantined of %s: to know where each came from takes %d bytes, more than a quarter of the budget",
			rows, v.ref(), rows*indexBytes).With("give a larger --memory")
	}
	x := &asideIndex{starts: make([]int64, len(in.Splits))}
	sources, sets := numbering{}, numbering{}
	columns := present(in.Schema, []string{pipeline.RulesColumn, pipeline.SourceColumn, pipeline.RowColumn})
	err := eachRow(ctx, in, p.env(), columns, func(r asideRow) error {
		x.source = append(x.source, sources.of(r.value(pipeline.SourceColumn)))
		x.row = append(x.row, r.place())
		x.rules = append(x.rules, sets.of(r.value(pipeline.RulesColumn)))
		for i := r.split + 1; i < len(x.starts); i++ {
			x.starts[i] = r.n + 1
		}
		return nil
	})
	x.names, x.sets = sources.names(), sets.names()
	return x, err
}

// numbering counts different texts from 0.
type numbering map[string]int32

func (n numbering) of(text string) int32 {
	i, ok := n[text]
	if !ok {
		i = int32(len(n))
		n[strings.Clone(text)] = i
	}
	return i
}

func (n numbering) names() []string {
	all := make([]string, len(n))
	for text, i := range n {
		all[i] = text
	}
	return all
}

// place is the row of the file that a row came from, or -1.
func (r asideRow) place() int64 {
	n, err := strconv.ParseInt(r.value(pipeline.RowColumn), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// choose marks the rows that broke none but the named rules; no names are all rules.
func (x *asideIndex) choose(v *versionAt, rules []string) error {
	known := map[string]bool{}
	wanted := make([]bool, len(x.sets))
	for i, set := range x.sets {
		wanted[i] = true
		for name := range strings.SplitSeq(set, ",") {
			known[name] = true
			wanted[i] = wanted[i] && (len(rules) == 0 || slices.Contains(rules, name))
		}
	}
	for _, name := range rules {
		if !known[name] {
			var names []string
			for k := range known {
				names = append(names, k)
			}
			return unknownBroken(v, name, names)
		}
	}
	x.chosen = make([]bool, len(x.rules))
	for i, set := range x.rules {
		x.chosen[i] = wanted[set]
	}
	x.count()
	if x.rows == 0 {
		return pipeline.Errorf(pipeline.Invalid, "no quarantined row of %s broke only %s", v.ref(), strings.Join(rules, ", ")).
			With("rows broke these together: "+strings.Join(x.sets, "; "), "name each rule that a row broke, with --rule, to release it")
	}
	return nil
}

func (x *asideIndex) count() {
	x.rows = 0
	for _, c := range x.chosen {
		if c {
			x.rows++
		}
	}
}

func (x *asideIndex) kept() int64 { return int64(len(x.chosen)) - x.rows }

// origin is where a quarantined row came from.
func (x *asideIndex) origin(n int64) (string, int64) { return x.names[x.source[n]], x.row[n] }

// splits are those of the quarantine with the rows that are released, in the schema of what
// is published.
func (r *release) splits(schema *arrow.Schema) (all []pipeline.Split) {
	passed := int64(0) // rows up to the end of the split before, as it says it has them
	for i, s := range r.quarantine.Splits {
		first, end := r.index.starts[i], int64(len(r.index.chosen))
		if i+1 < len(r.index.starts) {
			end = r.index.starts[i+1]
		}
		chosen, rows := r.index.chosen[first:end], int64(0)
		for _, c := range chosen {
			if c {
				rows++
			}
		}
		if rows == 0 {
			continue
		}
		all = append(all, pipeline.Split{
			Name: s.Name, File: s.File, RowGroup: s.RowGroup, Rows: rows, Bytes: s.Bytes, Before: first - passed,
			Open: func(ctx context.Context, env *pipeline.Env, columns []string) (pipeline.Reader, error) {
				return openSome(ctx, env, s, chosen, narrowed(schema, columns))
			},
			Origin: func(at int32) (string, int64) { return r.index.origin(first + int64(at)) },
		})
		passed = first + rows
	}
	return all
}

// keptRows reads the quarantined rows that are not released.
func (r *release) keptRows(schema *arrow.Schema) pipeline.Reader {
	k := &splitsReader{}
	for i, s := range r.quarantine.Splits {
		end := int64(len(r.index.chosen))
		if i+1 < len(r.index.starts) {
			end = r.index.starts[i+1]
		}
		stay := slices.Clone(r.index.chosen[r.index.starts[i]:end])
		for j := range stay {
			stay[j] = !stay[j]
		}
		k.open = append(k.open, func(ctx context.Context) (pipeline.Reader, error) {
			return openSome(ctx, r.p.env(), s, stay, schema)
		})
	}
	return k
}

// splitsReader reads splits one after the other.
type splitsReader struct {
	open []func(context.Context) (pipeline.Reader, error)
	now  pipeline.Reader
}

// Next implements pipeline.Reader.
func (r *splitsReader) Next(ctx context.Context) (b arrow.RecordBatch, err error) {
	for {
		if r.now == nil {
			if len(r.open) == 0 {
				return nil, io.EOF
			}
			if r.now, err = r.open[0](ctx); err != nil {
				return nil, err
			}
			r.open = r.open[1:]
		}
		b, err := r.now.Next(ctx)
		if err != io.EOF { //nolint:errorlint // identity is the contract of Reader
			return b, err
		}
		if err := r.Close(); err != nil {
			return nil, err
		}
	}
}

// Close implements pipeline.Reader.
func (r *splitsReader) Close() error {
	if r.now == nil {
		return nil
	}
	now := r.now
	r.now = nil
	return now.Close()
}

// narrowed is a schema with the named columns; nil names all.
func narrowed(schema *arrow.Schema, columns []string) *arrow.Schema {
	if columns == nil {
		return schema
	}
	fields := []arrow.Field{}
	for _, f := range schema.Fields() {
		if slices.Contains(columns, f.Name) {
			fields = append(fields, f)
		}
	}
	return arrow.NewSchema(fields, nil)
}

// refuseNull says which row of a file has no value where the dataset holds no null.
func refuseNull(where string, f arrow.Field, row int64) error {
	return &pipeline.Error{
		Kind: pipeline.BadInput, Where: where,
		Msg: fmt.Sprintf("column %q: row %d is null, and the dataset's column holds no nulls (%s)", f.Name, row, pipeline.TypeName(f.Type)),
	}
}
