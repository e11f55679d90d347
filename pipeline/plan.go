package pipeline

import (
	"context"
	"io"
	"path"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// Plan is a pipeline bound for one partition: sources resolved, every operator and
// gate typed. It is made by Bind, may be run once, and holds no open file.
type Plan struct {
	// Pipeline is what was bound; Env what it was bound with.
	Pipeline *Pipeline
	Env      *Env
	// Inputs are the resolved sources by name.
	Inputs map[string]*Input
	// Stages are in the order in which they run.
	Stages []*StagePlan

	byName map[string]*StagePlan
}

// StagePlan is a stage bound against its inputs.
type StagePlan struct {
	*Stage
	// In are the schemas of its inputs, Out that of what its gates see.
	In  []*arrow.Schema
	Out *arrow.Schema
	// Bounds has an entry for each operator.
	Bounds []*Bound
	// Judge is nil where nothing is judged.
	Judge *BoundJudge
	// Needs are the columns that are read of each input.
	Needs [][]string
	// Origins says where the columns of Out come from.
	Origins Lineage

	consumers int  // stages that take this one's rows
	followed  bool // it is recorded where its rows come from, or those of a stage that reads them
	looked    bool // some gate looks things up in it
}

// streams reports whether the stage's rows go straight into the one stage that
// wants them, without being written.
func (s *StagePlan) streams() bool { return s.Output == nil && s.consumers == 1 && !s.looked }

// key gives the columns that name a row, as the stage or its gates have it.
func (s *StagePlan) key() []string {
	if len(s.Key) == 0 && s.Judge != nil {
		return s.Judge.Key
	}
	return s.Key
}

// Bind resolves the sources and types every stage. It reports all problems at
// once, and none for stages that only lost their input. No row is read, but for
// what a source needs to infer its schema.
func Bind(ctx context.Context, p *Pipeline, env *Env) (*Plan, error) {
	if errs := p.Check(); len(errs) > 0 {
		return nil, errs.Err()
	}
	order, err := p.order()
	if err != nil {
		return nil, err
	}
	plan := &Plan{Pipeline: p, Env: env, Inputs: map[string]*Input{}, byName: map[string]*StagePlan{}}
	var errs Errors
	for _, s := range p.Sources {
		if err := p.readsItself(s, env.Partition); err != nil {
			errs = append(errs, err)
			continue
		}
		in, err := resolve(ctx, s, env)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		plan.Inputs[s.Name] = in
		if err := tagged(in.Schema, s.Columns); err != nil {
			errs = append(errs, inSource(err, s))
		}
	}
	for _, s := range order {
		sp, err := plan.bindStage(s)
		if err != nil {
			errs = append(errs, flatten(err)...)
		}
		if sp != nil {
			plan.byName[s.Name] = sp
			plan.Stages = append(plan.Stages, sp)
		}
	}
	if len(errs) > 0 {
		return nil, errs.Err()
	}
	plan.link()
	plan.traceColumns()
	if errs := plan.followable(); len(errs) > 0 {
		return nil, errs.Err()
	}
	return plan, nil
}

// readsItself is an error if a source reads as published what a stage of the same run makes: it
// would see the version before.
func (p *Pipeline) readsItself(s NamedSource, part Partition) error {
	d, ok := s.Source.(Depender)
	if !ok {
		return nil
	}
	refs, err := d.Needs(p.Partitions, part)
	if err != nil {
		return inSource(err, s)
	}
	for _, stage := range p.Stages {
		if stage.Output == nil {
			continue
		}
		dataset := path.Clean(filepath.ToSlash(stage.Output.Path))
		if slices.ContainsFunc(refs, func(r PartitionRef) bool { return r.Dataset == dataset && r.Partition.String() == part.String() }) {
			return inSource(Errorf(Invalid, "%s@%s is what stage %q of this pipeline makes in the same run", dataset, part, stage.Name).
				With("read from the stage: `from: "+stage.Name+"`, or `from: {"+stage.Name+": {last: 7}}` for a window"), s)
		}
	}
	return nil
}

func resolve(ctx context.Context, s NamedSource, env *Env) (in *Input, err error) {
	defer recovered(&err)
	in, err = s.Source.Resolve(ctx, env)
	if err != nil {
		return nil, inSource(err, s)
	}
	return in, nil
}

// bindStage returns nil and no error where an input of the stage is missing
// because it could not be bound itself.
func (p *Plan) bindStage(s *Stage) (*StagePlan, error) {
	sp := &StagePlan{Stage: s}
	for _, name := range s.From {
		schema := p.schemaOf(name)
		if schema == nil {
			return nil, nil
		}
		sp.In = append(sp.In, schema)
	}
	if len(sp.In) > 1 && len(s.Operators) == 0 {
		return nil, &Error{
			Kind: Invalid, At: s.At, Stage: s.Name,
			Msg: "several inputs, and no operator that brings them together; begin with join, union or sql",
		}
	}
	var err error
	if sp.Bounds, sp.Out, err = bindChain(s, s.Operators, sp.In); err != nil {
		return nil, err
	}
	if err := writable(s, sp.Out); err != nil {
		return sp, err
	}
	if err := tagged(sp.Out, s.Columns); err != nil {
		return sp, inStage(err, s.Name, s.At)
	}
	if s.Gates == nil {
		return sp, nil
	}
	if sp.Judge, err = bindJudge(s, sp.Out, p.around(s)); err != nil {
		return sp, err
	}
	if sp.Judge.Quarantines && s.Output == nil {
		return sp, &Error{
			Kind: Invalid, At: s.At, Stage: s.Name,
			Msg: "a gate quarantines rows, but the stage has no output to keep them beside; give it an output",
		}
	}
	return sp, p.checkLookups(sp)
}

// writable makes sure that the output's format can hold the schema.
func writable(s *Stage, schema *arrow.Schema) (err error) {
	if s.Output == nil {
		return nil
	}
	defer recovered(&err)
	if _, err := s.Output.Format.Create(io.Discard, schema); err != nil {
		return inStage(err, s.Name, s.At)
	}
	return nil
}

func (p *Plan) schemaOf(name string) *arrow.Schema {
	if in := p.Inputs[name]; in != nil {
		return in.Schema
	}
	if s := p.byName[name]; s != nil {
		return s.Out
	}
	return nil
}

// bindChain types operators one after the other.
func bindChain(s *Stage, ops []Operator, in []*arrow.Schema) (bounds []*Bound, out *arrow.Schema, err error) {
	for i, op := range ops {
		b, err := bindOperator(op, in)
		if err != nil {
			return nil, nil, inStage(err, s.Name, s.operatorAt(i))
		}
		bounds = append(bounds, b)
		in = []*arrow.Schema{b.Schema}
	}
	return bounds, in[0], nil
}

func bindOperator(op Operator, in []*arrow.Schema) (b *Bound, err error) {
	defer recovered(&err)
	return op.Bind(in...)
}

// around is what the gates of a stage are told of the pipeline.
func (p *Plan) around(s *Stage) Surroundings {
	around := Surroundings{Inputs: p.schemaOf, Partition: p.Env.Partition, Key: s.Key, Published: s.Output != nil}
	if p.Env.Now != nil {
		around.Now = p.Env.Now()
	}
	return around
}

func bindJudge(s *Stage, schema *arrow.Schema, around Surroundings) (j *BoundJudge, err error) {
	defer func() {
		var all Errors
		for _, e := range flatten(err) {
			all = append(all, inStage(e, s.Name, s.At))
		}
		err = all.Err()
	}()
	defer recovered(&err)
	return s.Gates.Bind(schema, around)
}

func (p *Plan) checkLookups(sp *StagePlan) error {
	for _, in := range sp.Judge.Inputs {
		schema := p.schemaOf(in.Input)
		for _, column := range in.Columns {
			if schema == nil || schema.HasField(column) {
				continue
			}
			return &Error{
				Kind: Invalid, At: sp.At, Stage: sp.Name,
				Msg: Unknown("column", column, ColumnNames(schema)) + " (a gate looks it up in " + in.Input + ")",
			}
		}
	}
	return nil
}

// link counts who takes whose rows, and works out, from the last stage to the
// first, which columns each needs.
func (p *Plan) link() {
	for _, s := range p.Stages {
		for _, name := range s.From {
			if up := p.byName[name]; up != nil {
				up.consumers++
			}
		}
		if s.Judge == nil {
			continue
		}
		for _, in := range s.Judge.Inputs {
			if up := p.byName[in.Input]; up != nil {
				up.looked = true
			}
		}
	}
	wanted := map[string]map[string]bool{}
	for _, s := range slices.Backward(p.Stages) {
		s.followed = s.followed || s.Lineage == RowDepth
		s.Needs = s.needs(wanted[s.Name])
		for i, name := range s.From {
			if up := p.byName[name]; up != nil && up.Output == nil && s.followed {
				up.followed = true
			}
			if wanted[name] == nil {
				wanted[name] = map[string]bool{}
			}
			for _, col := range s.Needs[i] {
				wanted[name][col] = true
			}
		}
	}
}

// ColumnNames are the names of a schema's columns, in order.
func ColumnNames(s *arrow.Schema) []string {
	names := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		names[i] = f.Name
	}
	return names
}

func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if all, ok := err.(Errors); ok { //nolint:errorlint // only our own list is flattened
		return all
	}
	return []error{err}
}
