package parquet

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/parquet-go/parquet-go"

	"github.com/penstock-data/penstock/pipeline"
)

// dictionary is that of a column chunk of strings, as an Arrow array that all
// batches share. Where the writer gave the dictionary up half way, the strings of the
// pages that follow are added to it, and the batches from there on share the longer
// one.
type dictionary struct {
	env    *pipeline.Env
	source parquet.Dictionary
	values []string
	places map[string]int32 // made when a page without dictionary is met
	built  arrow.Array      // of values, nil when they have grown
}

// appender gives the function that appends indexes into the dictionary.
func (d *dictionary) appender(b *array.Int32Builder) func(v *values, from, to int) {
	return func(v *values, from, to int) {
		if v.dict != nil {
			d.take(v)
			// An index beyond the dictionary would be believed by everyone after us.
			for _, i := range v.indexes[from:to] {
				if i < 0 || int(i) >= len(v.offsets)-1 {
					panic("an index beyond the dictionary")
				}
			}
			b.AppendValues(v.indexes[from:to], nil)
			return
		}
		for i := from; i < to; i++ {
			b.Append(d.place(v.byteArray(i)))
		}
	}
}

// take copies the dictionary of the chunk, which is the same for all its pages.
func (d *dictionary) take(v *values) {
	if d.source == v.dict {
		return
	}
	if d.source != nil {
		panic("a second dictionary")
	}
	d.source = v.dict
	for i := range len(v.offsets) - 1 {
		d.values = append(d.values, string(v.bytes[v.offsets[i]:v.offsets[i+1]]))
	}
	d.forget()
}

func (d *dictionary) place(text []byte) int32 {
	if d.places == nil {
		d.places = make(map[string]int32, len(d.values))
		for i, s := range d.values {
			d.places[s] = int32(i)
		}
	}
	if i, ok := d.places[string(text)]; ok {
		return i
	}
	i := int32(len(d.values))
	d.values = append(d.values, string(text))
	d.places[d.values[i]] = i
	d.forget()
	return i
}

func (d *dictionary) array() arrow.Array {
	if d.built == nil {
		b := array.NewStringBuilder(d.env.Alloc)
		defer b.Release()
		b.AppendValues(d.values, nil)
		d.built = b.NewArray()
	}
	return d.built
}

func (d *dictionary) forget() {
	if d.built != nil {
		d.built.Release()
		d.built = nil
	}
}

func (d *dictionary) release() { d.forget() }
