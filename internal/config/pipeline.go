package config

import (
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/operators/ipc"
	"github.com/penstock-data/penstock/operators/jsonl"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
)

func (d *decoder) pipeline(n *node) *pipeline.Pipeline {
	p := &pipeline.Pipeline{File: d.file}
	if !d.object(n, pipelineObject) {
		return p
	}
	d.readParams(n.get("params"))
	p.Params = d.params
	p.Name = d.text(n.get("name"), "name")
	if s := n.get("partitions"); s != nil {
		p.Partitions = d.scheme(s, partitionsObject)
		p.Lookback = d.lookback(s.get("lookback"))
	}
	for _, s := range d.pairs(n.get("sources"), "sources") {
		if src := d.source(s.value); src != nil {
			p.Sources = append(p.Sources, pipeline.NamedSource{Name: s.key.text, Source: src, Columns: d.columns(s.value.get("columns")), At: s.key.pos})
		}
	}
	for _, s := range d.pairs(n.get("stages"), "stages") {
		stage := d.readStage(s.key, s.value)
		p.Stages = append(p.Stages, stage)
		p.Stages = append(p.Stages, d.datasets(&stage, s.value.get("datasets"))...)
	}
	if nt := n.get("night"); nt != nil {
		p.Night = d.night(nt)
		d.nightStages(nt, n.get("stages"))
	}
	d.unfold(p)
	if len(d.errs) == 0 {
		d.checkDatasets(p)
	}
	if len(d.errs) == 0 {
		d.errs = append(d.errs, p.Check()...)
	}
	return p
}

// readParams takes the file's parameters, and those that override them.
func (d *decoder) readParams(n *node) {
	d.params = map[string]string{}
	given := maps.Clone(d.options.Params)
	for _, p := range d.pairs(n, "params") {
		d.params[p.key.text] = d.text(p.value, "params")
		if v, ok := given[p.key.text]; ok {
			d.params[p.key.text] = v
			delete(given, p.key.text)
		}
	}
	for _, name := range sortedKeys(given) {
		d.fail(pipeline.Pos{File: d.file}, "%s", pipeline.Unknown("parameter", name, sortedKeys(d.params)))
	}
}

func (d *decoder) source(n *node) pipeline.Source {
	if !d.object(n, sourceObject) {
		return nil
	}
	var format string
	for _, f := range formats {
		if n.get(f) != nil {
			format = f
		}
	}
	set := files.Set{
		Paths: d.texts(n.get(format), format), PartitionBy: d.text(n.get("partition_by"), "partition_by"),
		Drift: files.Drift(d.oneOf(n.get("drift"), fieldOf(sourceObject, "drift"))),
	}
	d.belongs(n, format)
	if n.get("dataset") != nil && format == "" {
		return d.dataset(n)
	}
	if format == "" {
		return nil
	}
	if n.get(format).kind == nothing || len(set.Paths) == 0 {
		d.fail(n.get(format).pos, "source: %s: a path is needed", format)
	}
	switch format {
	case "csv":
		return d.csv(n, set)
	case "jsonl":
		return jsonl.Source{Set: set, Schema: d.schema(n.get("schema")), Lines: d.lines(n.get("lines"))}
	case "ipc":
		return ipc.Source{Set: set}
	}
	return parquet.Source{Set: set}
}

// belongs complains of fields that are of other sources.
func (d *decoder) belongs(n *node, format string) {
	if format == "" {
		format = "dataset"
	}
	for _, f := range sourceObject.fields {
		of, ok := sourceFields[f.name]
		if v := n.get(f.name); v != nil && ok && n.get(format) != nil && !slices.Contains(of, format) {
			d.fail(v.pos, "source: %s does not belong to %s", f.name, format)
		}
	}
}

func fieldOf(o *object, name string) field {
	for _, f := range o.fields {
		if f.name == name {
			return f
		}
	}
	panic(o.name + " has no field " + name)
}

func (d *decoder) csv(n *node, set files.Set) pipeline.Source {
	s := csv.Source{Set: set, Schema: d.schema(n.get("schema")), NoHeader: !d.bool(n.get("header"), "header", true), Lines: d.lines(n.get("lines"))}
	if v := n.get("delimiter"); v != nil {
		text := []rune(d.text(v, "delimiter"))
		if len(text) != 1 || text[0] == '"' || text[0] == '\n' || text[0] == '\r' {
			d.fail(v.pos, "delimiter: expected a single character, found %s", describe(v))
		} else {
			s.Delimiter = text[0]
		}
	}
	if v := n.get("null"); v != nil {
		s.Null = d.texts(v, "null")
	}
	return s
}

// lines says which lines of a text file are read.
func (d *decoder) lines(n *node) (l files.Lines) {
	before := len(d.errs)
	if n == nil || !d.object(n, linesObject) {
		return l
	}
	l = files.Lines{Except: d.text(n.get("except"), "except"), Only: d.text(n.get("only"), "only")}
	if l == (files.Lines{}) && len(d.errs) == before {
		d.fail(n.pos, "lines: expected except or only, with a regular expression")
	}
	for _, one := range []struct {
		at    *node
		lines files.Lines
	}{{n.get("except"), files.Lines{Except: l.Except}}, {n.get("only"), files.Lines{Only: l.Only}}} {
		if _, err := one.lines.Chooser(); err != nil {
			d.fail(one.at.pos, "%v", err)
		}
	}
	return l
}

// schema is a declared schema, or nil.
func (d *decoder) schema(n *node) *arrow.Schema {
	if n == nil {
		return nil
	}
	var fields []arrow.Field
	for _, p := range d.pairs(n, "schema") {
		t, err := pipeline.ParseType(d.text(p.value, "schema"))
		if err != nil {
			d.fail(p.value.pos, "schema: column %s: %v", p.key.text, err)
			continue
		}
		fields = append(fields, arrow.Field{Name: p.key.text, Type: t, Nullable: true})
	}
	return arrow.NewSchema(fields, nil)
}
