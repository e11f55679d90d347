package profile

import (
	"context"
	"errors"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/keys"
	"github.com/penstock-data/penstock/pipeline"
)

// Options of a profile. The zero value means the defaults.
type Options struct {
	// Exact counts the distinct values of every column exactly, and duplicate rows however
	// many rows there are; it may write to env.Temp what memory has no room for.
	Exact bool
}

// Part is a stage that was described for one partition. Env.Temp is made if it is not there,
// and is the caller's to remove.
type Part struct {
	Pipeline *pipeline.Pipeline
	// Stage is the name of the one whose rows are profiled, as they leave its operators: its
	// gates, and those of the stages before it, are left out. A source is profiled by its
	// name.
	Stage string
	Env   *pipeline.Env
}

// Scan profiles the parts as one dataset, in their order. They must have the same columns.
// listener may be nil.
func Scan(ctx context.Context, name string, parts []Part, o Options, listener *pipeline.Listener) (p *Profile, err error) {
	if len(parts) == 0 {
		return nil, pipeline.Errorf(pipeline.Invalid, "nothing to profile in %s", name)
	}
	env := parts[0].Env
	if err := os.MkdirAll(env.Temp, 0o700); err != nil {
		return nil, &pipeline.Error{Kind: pipeline.IO, Err: err}
	}
	s := &scan{exact: o.Exact, store: keys.NewStore(env.Memory, 0, faults.OS(), env.Temp)}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	began := env.Now()
	p = &Profile{Name: name}
	files := map[string]bool{}
	for _, part := range parts {
		pl, stage := part.Judged(s)
		plan, err := pipeline.Bind(ctx, pl, part.Env)
		if err != nil {
			return nil, err
		}
		out, err := plan.Run(ctx, nil, listener)
		if err != nil {
			return nil, err
		}
		for _, st := range out.Stages {
			if st.Stage.Name == stage {
				s.parts[len(s.parts)-1].RowsIn = st.Record.RowsIn
			}
		}
		for _, in := range plan.Inputs {
			for _, f := range in.Files {
				if !files[f.Path] {
					files[f.Path] = true
					p.Files, p.Bytes = p.Files+1, p.Bytes+f.Bytes
				}
			}
		}
	}
	if err := s.tell(ctx, p); err != nil {
		return nil, err
	}
	p.Seconds = env.Now().Sub(began).Seconds()
	return p, nil
}

// scanned is the stage that is added to judge a source.
const scanned = "profile"

// Judged is a pipeline of what the part's stage needs, and no more: judged by another judge,
// with no output. The gates of the stages before it are left out. It gives the name of the
// stage too, which is another one if the part is a source.
func (p Part) Judged(by pipeline.Judge) (pl *pipeline.Pipeline, stage string) {
	stages, sources := map[string]pipeline.Stage{}, map[string]pipeline.NamedSource{}
	for _, st := range p.Pipeline.Stages {
		stages[st.Name] = st
	}
	for _, src := range p.Pipeline.Sources {
		sources[src.Name] = src
	}
	target, ok := stages[p.Stage]
	if !ok {
		target = pipeline.Stage{Name: free(scanned, sources), From: []string{p.Stage}}
	}
	target.Gates, target.Output = by, nil
	cut := *p.Pipeline
	cut.Stages, cut.Sources = nil, nil
	seen := map[string]bool{target.Name: true}
	var need func(st pipeline.Stage)
	need = func(st pipeline.Stage) {
		for _, name := range st.Inputs() {
			if seen[name] {
				continue
			}
			seen[name] = true
			if src, ok := sources[name]; ok {
				cut.Sources = append(cut.Sources, src)
			} else if up, ok := stages[name]; ok {
				up.Gates, up.Output = nil, nil
				need(up)
			}
		}
		cut.Stages = append(cut.Stages, st)
	}
	need(target)
	return &cut, target.Name
}

// free is a name that no source has.
func free(name string, sources map[string]pipeline.NamedSource) string {
	for {
		if _, taken := sources[name]; !taken {
			return name
		}
		name += "_"
	}
}

// tell writes what was found.
func (s *scan) tell(ctx context.Context, p *Profile) error {
	w := s.total
	p.Rows, p.Partitions = w.rows, s.parts
	for i, f := range s.schema.Fields() {
		c := Column{Name: f.Name, Type: pipeline.TypeName(f.Type), Nullable: f.Nullable, Rows: w.rows, Nulls: w.nulls[i]}
		w.states[i].tell(&c, w.rows-w.nulls[i])
		if s.exactly != nil {
			n, err := s.exactly[i].Count(ctx, 0)
			if err != nil {
				return err
			}
			c.Distinct = &Count{N: n.Distinct, Exact: true, Low: n.Distinct, High: n.Distinct}
		}
		p.Columns = append(p.Columns, c)
	}
	p.Correlations = w.pairs.tell(s.schema)
	_, p.CorrelationsNote = paired(s.schema)
	p.DuplicatesNote = s.note
	if s.repeated == nil {
		return nil
	}
	n, err := s.repeated.Count(ctx, 0)
	if err != nil {
		return err
	}
	duplicates := n.Rows - n.Distinct
	p.Duplicates = &duplicates
	return nil
}

// valid are the keys of rows that are not null.
func valid(all []xxh3.Uint128, column arrow.Array) []xxh3.Uint128 {
	if nullsOf(column) == 0 {
		return all
	}
	kept := all[:0]
	for i, k := range all {
		if !isNull(column, i) {
			kept = append(kept, k)
		}
	}
	return kept
}
