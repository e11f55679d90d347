package pipeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// ancestry is what is known of where a column, or the rows, come from, at some place in a pipeline.
type ancestry struct {
	from     map[ColumnOrigin]bool // Copied stands for Renamed too
	unknown  string
	by       []ColumnStep
	tags     map[string]bool
	untagged map[Untagged]bool
}

// ancestries are those of the columns, and of the rows, at one place.
type ancestries struct {
	columns []ancestry
	rows    ancestry
}

func newAncestry() ancestry {
	return ancestry{from: map[ColumnOrigin]bool{}, tags: map[string]bool{}, untagged: map[Untagged]bool{}}
}

// add takes another ancestry in, as one that is used so: what hands its values on has its tags.
func (f *ancestry) add(other ancestry, how Way) {
	for o := range other.from {
		o.How = Through(o.How, how)
		f.from[o] = true
	}
	if how.Direct() {
		maps.Copy(f.tags, other.tags)
		maps.Copy(f.untagged, other.untagged)
		for _, step := range other.by {
			if !slices.Contains(f.by, step) {
				f.by = append(f.by, step)
			}
		}
	}
	f.doubt(other.unknown)
}

func (f *ancestry) doubt(reason string) {
	if f.unknown == "" {
		f.unknown = reason
	}
}

// strength orders the ways that hand values on: the later one decides what several together are.
var strength = []Way{Copied, Renamed, Computed, Aggregated}

// Through is what an input does to an output if it does one thing to something that does another
// thing to the output.
func Through(first, then Way) Way {
	switch {
	case !then.Direct():
		return then
	case !first.Direct():
		return first
	}
	return strength[max(slices.Index(strength, first), slices.Index(strength, then))]
}

// tagAll puts on every tag of what came in: the column may come from any of it.
func (f *ancestry) tagAll(in []ancestries) {
	for _, all := range in {
		for _, c := range all.columns {
			maps.Copy(f.tags, c.tags)
		}
	}
}

// traceColumns works out where the columns of each stage come from.
func (p *Plan) traceColumns() {
	known := map[string]ancestries{}
	for _, s := range p.Pipeline.Sources {
		if in := p.Inputs[s.Name]; in != nil {
			known[s.Name] = sourceAncestries(s, in)
		}
	}
	for _, s := range p.Stages {
		known[s.Name] = s.traceColumns(known)
	}
}

// inputAncestries are those of the columns of what is an input in the eyes of a manifest.
func inputAncestries(name string, schema *arrow.Schema) ancestries {
	all := ancestries{rows: newAncestry()}
	for _, f := range schema.Fields() {
		c := newAncestry()
		c.from[ColumnOrigin{Input: name, Column: f.Name, How: Copied}] = true
		all.columns = append(all.columns, c)
	}
	return all
}

func sourceAncestries(s NamedSource, in *Input) ancestries {
	all := inputAncestries(s.Name, in.Schema)
	for i, f := range in.Schema.Fields() {
		for _, t := range in.Tags[f.Name] {
			all.columns[i].tags[t] = true
		}
		all.columns[i].tag(s.Name, s.Columns[f.Name])
		if slices.Contains(in.RowsBy, f.Name) {
			all.rows.add(all.columns[i], Filtered)
		}
	}
	return all
}

// tag puts on the tags that a source or stage says, and takes off those that it doesn't want.
func (f *ancestry) tag(by string, tags ColumnTags) {
	for tag, reason := range tags.Untag {
		if f.tags[tag] {
			delete(f.tags, tag)
			f.untagged[Untagged{Tag: tag, By: by, Reason: reason}] = true
		}
	}
	for _, tag := range tags.Tags {
		f.tags[tag] = true
		maps.DeleteFunc(f.untagged, func(u Untagged, _ bool) bool { return u.Tag == tag })
	}
}

// traceColumns gives what those that read the stage have of its columns, and notes what its manifest
// has.
func (s *StagePlan) traceColumns(known map[string]ancestries) ancestries {
	var in []ancestries
	for _, name := range s.From {
		in = append(in, known[name])
	}
	now := in[0]
	for i, b := range s.Bounds {
		now = b.traceColumns(in, ColumnStep{s.Name, OperatorRecord{Name: s.Operators[i].String()}.Short()})
		in = []ancestries{now}
	}
	now = s.traceGates(now)
	columns := make([]ancestry, len(now.columns))
	for i, f := range s.Out.Fields() {
		columns[i] = newAncestry()
		columns[i].add(now.columns[i], Copied)
		columns[i].tag(s.Name, s.Columns[f.Name])
	}
	now.columns = columns
	s.Origins = now.lineage(s.Out)
	if s.Output == nil {
		return now
	}
	read := inputAncestries(s.Name, s.Out)
	for i := range read.columns {
		read.columns[i].tags = columns[i].tags
	}
	return read
}

// traceGates adds the columns by which rows are put aside to those that decide the rows.
func (s *StagePlan) traceGates(now ancestries) ancestries {
	if s.Judge == nil {
		return now
	}
	rows := newAncestry()
	rows.add(now.rows, Copied)
	for _, i := range s.Judge.Aside {
		rows.add(now.columns[i], Filtered)
	}
	now.rows = rows
	return now
}

// traceColumns gives the ancestries behind an operator.
func (b *Bound) traceColumns(in []ancestries, by ColumnStep) ancestries {
	out := ancestries{rows: newAncestry()}
	for _, f := range in {
		out.rows.add(f.rows, Copied)
	}
	origins := b.origins()
	follow := func(f *ancestry, o Origin) {
		for _, u := range o.From {
			if u.Input < 0 || u.Input >= len(in) || u.Index < 0 || u.Index >= len(in[u.Input].columns) {
				f.doubt(fmt.Sprintf("stage %s: %s: it names a column that is not there", by.Stage, by.How))
				f.tagAll(in)
				continue
			}
			f.add(in[u.Input].columns[u.Index], u.How)
		}
		if o.Unknown != "" {
			f.doubt(fmt.Sprintf("stage %s: %s: %s", by.Stage, by.How, o.Unknown))
			f.tagAll(in) // better a tag too many than a secret without
		}
	}
	follow(&out.rows, origins.Rows)
	for _, o := range origins.Columns {
		f := newAncestry()
		follow(&f, o)
		if !o.handsOn() {
			f.by = append(f.by, ColumnStep{by.Stage, cmp.Or(o.Text, by.How)})
		}
		out.columns = append(out.columns, f)
	}
	return out
}

// handsOn reports whether the column is one that came in, as it was.
func (o Origin) handsOn() bool {
	return o.Unknown == "" && len(o.From) > 0 && !slices.ContainsFunc(o.From, func(u Use) bool { return u.How != Copied && u.How != Renamed })
}

// origins are what the operator says, or what follows from the rest of what it says.
func (b *Bound) origins() *Origins {
	if b.Origins != nil && len(b.Origins.Columns) == b.Schema.NumFields() {
		return b.Origins
	}
	o := &Origins{Columns: make([]Origin, b.Schema.NumFields())}
	if b.Keep != nil && b.From == nil || b.Same == nil && b.Keep == nil && b.From == nil {
		o.Rows.Unknown = "it does not say by which columns it chooses its rows"
	}
	for _, c := range b.Reads {
		o.Rows.From = append(o.Rows.From, Use{c, Filtered})
	}
	for i := range o.Columns {
		switch c := &o.Columns[i]; {
		case b.Keep != nil:
			c.From = []Use{{Column{Index: i}, Copied}}
		case i < len(b.Same) && b.Same[i] >= 0:
			c.From = []Use{{Column{Index: b.Same[i]}, Copied}}
		case i < len(b.From):
			for _, from := range b.From[i] {
				c.From = append(c.From, Use{from, Computed})
			}
		default:
			c.Unknown = "it does not say which columns this one comes from"
		}
	}
	return o
}

// lineage writes the ancestries down.
func (f ancestries) lineage(schema *arrow.Schema) Lineage {
	l := Lineage{Columns: []ColumnLineage{}, RowsBy: f.rows.origins(""), RowsUnknown: f.rows.unknown}
	for i, c := range f.columns {
		name := schema.Field(i).Name
		said := ColumnLineage{Column: name, From: c.origins(name), Unknown: c.unknown, By: c.by, Tags: slices.Sorted(maps.Keys(c.tags))}
		if c.unknown != "" {
			said.From = nil
		}
		said.Untagged = slices.SortedFunc(maps.Keys(c.untagged), func(a, b Untagged) int {
			return cmp.Or(cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.By, b.By), cmp.Compare(a.Reason, b.Reason))
		})
		l.Columns = append(l.Columns, said)
	}
	return l
}

// origins are sorted. Of the ways in which the values of one column are handed on, the
// strongest stands for all.
func (f ancestry) origins(column string) []ColumnOrigin {
	direct := map[ColumnOrigin]Way{}
	var all []ColumnOrigin
	for o := range f.from {
		if !o.How.Direct() {
			all = append(all, o)
			continue
		}
		k := ColumnOrigin{Input: o.Input, Column: o.Column}
		direct[k] = Through(o.How, cmp.Or(direct[k], Copied))
	}
	for o, how := range direct {
		switch {
		case how != Copied && how != Renamed:
		case o.Column == column:
			how = Copied
		default:
			how = Renamed
		}
		o.How = how
		all = append(all, o)
	}
	slices.SortFunc(all, ColumnOrigin.Compare)
	return all
}

// tagged is an error if tags are said of a column that is not there.
func tagged(schema *arrow.Schema, columns map[string]ColumnTags) error {
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		if schema.NumFields() > 0 && !schema.HasField(name) {
			return Errorf(Invalid, "columns: %s", Unknown("column", name, ColumnNames(schema)))
		}
	}
	return nil
}
