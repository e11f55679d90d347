package parquet

import (
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/parquet-go/parquet-go/format"

	"github.com/penstock-data/penstock/operators/files"
	"github.com/penstock-data/penstock/pipeline"
)

// Format writes Parquet files.
type Format struct {
	// Compression is zstd, snappy, gzip or none. Left out, it is zstd, but for columns
	// that don't get smaller by it.
	Compression string
	// SortedBy are the columns by which the rows of each file are in order, nulls last; one
	// that begins with - descends. It is noted in the file for its readers, and taken on
	// trust.
	SortedBy []string
	// Bloom are the columns that get a Bloom filter in each row group, so that readers who
	// look for one value pass over most of those that don't have it.
	Bloom []string
}

// Compressions are the names Format knows.
func Compressions() []string { return []string{"zstd", "snappy", "gzip", "none"} }

// String implements pipeline.Format.
func (f Format) String() string {
	text := "parquet, zstd"
	if f.Compression != "" {
		text = "parquet, " + f.Compression
	}
	if len(f.SortedBy) > 0 {
		text += ", sorted by " + strings.Join(f.SortedBy, " ")
	}
	if len(f.Bloom) > 0 {
		text += ", bloom " + strings.Join(f.Bloom, " ")
	}
	return text
}

// Ext implements pipeline.Format.
func (Format) Ext() string { return ".parquet" }

// Source implements pipeline.Format.
func (Format) Source(_ *arrow.Schema, written ...pipeline.File) pipeline.Source {
	return Source{files.Set{Written: written}}
}

// Create implements pipeline.Format. Types that Parquet lacks are refused.
func (f Format) Create(w io.Writer, schema *arrow.Schema) (pipeline.Encoder, error) {
	codec, ok := codecs[f.Compression]
	if !ok {
		return nil, pipeline.Errorf(pipeline.Invalid, "unknown compression %q; known are zstd, snappy, gzip, none", f.Compression)
	}
	out, err := newOutSchema(schema)
	if err != nil {
		return nil, err
	}
	e := &encoder{schema: out, packer: packer{codec: codec, always: f.Compression != ""}, file: fileWriter{w: w}}
	if err := e.options(f); err != nil {
		return nil, err
	}
	e.file.meta = format.FileMetaData{Version: 2, Schema: out.elements, CreatedBy: createdBy}
	for range out.leaves {
		e.file.meta.ColumnOrders = append(e.file.meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	return e, e.file.write([]byte(magic))
}

// createdBy is in the form that readers parse.
const createdBy = "penstock version 1.0.0 (build 0)"

// options finds the columns that the format names.
func (e *encoder) options(f Format) error {
	for _, name := range f.SortedBy {
		name, descending := strings.CutPrefix(name, "-")
		l, err := e.flat("sorted_by", name)
		if err != nil {
			return err
		}
		e.sorting = append(e.sorting, format.SortingColumn{ColumnIdx: int32(l.index), Descending: descending})
	}
	for _, name := range f.Bloom {
		l, err := e.flat("bloom", name)
		if err != nil {
			return err
		}
		if l.physical == format.Boolean || l.typ.ID() == arrow.NULL {
			return pipeline.Errorf(pipeline.Invalid, "bloom: column %s is %s, which a filter is of no use for", name, pipeline.TypeName(l.typ))
		}
		l.bloom = true
	}
	return nil
}

// flat finds the leaf of a column that is not nested.
func (e *encoder) flat(option, name string) (*outLeaf, error) {
	var known []string
	for _, l := range e.schema.leaves {
		if l.flat() && l.path[0] == name {
			return l, nil
		}
		known = append(known, l.path[0])
	}
	if near := pipeline.Nearest(name, known); near != "" && near != name {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s: unknown column %q; did you mean %q?", option, name, near)
	}
	if e.schema.arrow.HasField(name) {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s: column %s is nested", option, name)
	}
	return nil, pipeline.Errorf(pipeline.Invalid, "%s: unknown column %q", option, name)
}
