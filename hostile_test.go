package penstock_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// patch is a file whose footer and indexes are changed.
type patch struct {
	t      *testing.T
	body   []byte // all before the footer
	footer format.FileMetaData
}

// hostility is a way to make a file's statistics hostile; nil leaves them as they are.
type hostility struct {
	name   string
	change func(*patch)
}

// noCount is a number of nulls that stands for none said.
const noCount = 0x5a5a5a5a5a

func (h hostility) make(t *testing.T, file []byte) []byte {
	t.Helper()
	if h.change == nil {
		return file
	}
	at := len(file) - 8 - int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	p := &patch{t: t, body: bytes.Clone(file[:at])}
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), file[at:len(file)-8], &p.footer); err != nil {
		t.Fatal(err)
	}
	h.change(p)
	text := uncounted(p.text(p.footer))
	return append(binary.LittleEndian.AppendUint32(append(p.body, text...), uint32(len(text))), "PAR1"...)
}

func (p *patch) text(v any) []byte {
	text, err := thrift.Marshal(new(thrift.CompactProtocol), v)
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// uncounted leaves out the counts of noCount, where what follows is a greatest, a least or
// nothing: parquet-go always writes a count.
func uncounted(text []byte) []byte {
	count := binary.AppendVarint([]byte{0x36}, noCount) // field 3, of 64 bits
	for from, to := range map[byte]byte{0x28: 0x58, 0x38: 0x68, 0: 0} {
		text = bytes.ReplaceAll(text, append(bytes.Clone(count), from), []byte{to})
	}
	return text
}

func (p *patch) chunks(change func(*format.ColumnChunk)) {
	for g := range p.footer.RowGroups {
		for i := range p.footer.RowGroups[g].Columns {
			change(&p.footer.RowGroups[g].Columns[i])
		}
	}
}

// stats changes the statistics of every chunk.
func stats(change func(s *format.Statistics, t format.Type)) func(*patch) {
	return func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) { change(&c.MetaData.Statistics, c.MetaData.Type) })
	}
}

// index changes the column index of every chunk that has one.
func index(change func(x *format.ColumnIndex)) func(*patch) {
	return func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) {
			var x format.ColumnIndex
			from, to := c.ColumnIndexOffset, c.ColumnIndexOffset+int64(c.ColumnIndexLength)
			if to == from {
				return
			}
			if err := thrift.Unmarshal(new(thrift.CompactProtocol), p.body[from:to], &x); err != nil {
				p.t.Fatal(err)
			}
			change(&x)
			text := p.text(x)
			c.ColumnIndexOffset, c.ColumnIndexLength = int64(len(p.body)), int32(len(text))
			p.body = append(p.body, text...)
		})
	}
}

// places changes the offset index of every chunk that has one.
func places(change func(x *format.OffsetIndex)) func(*patch) {
	return func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) {
			var x format.OffsetIndex
			from, to := c.OffsetIndexOffset, c.OffsetIndexOffset+int64(c.OffsetIndexLength)
			if to == from {
				return
			}
			if err := thrift.Unmarshal(new(thrift.CompactProtocol), p.body[from:to], &x); err != nil {
				p.t.Fatal(err)
			}
			change(&x)
			text := p.text(x)
			c.OffsetIndexOffset, c.OffsetIndexLength = int64(len(p.body)), int32(len(text))
			p.body = append(p.body, text...)
		})
	}
}

func isText(t format.Type) bool { return t == format.ByteArray }

func nanOf(t format.Type) []byte {
	if t == format.Double {
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.NaN()))
	}
	return nil
}

// cut cuts bounds of texts off after so many bytes, and makes the greatest greater.
func cut(s *format.Statistics, n int) {
	if len(s.MinValue) > n {
		s.MinValue = s.MinValue[:n]
	}
	if len(s.MaxValue) > n {
		s.MaxValue = bytes.Clone(s.MaxValue[:n])
		s.MaxValue[n-1]++
	}
}

var hostilities = []hostility{
	{"as written", nil},
	{"written anew", func(*patch) {}},
	{"no statistics", stats(func(s *format.Statistics, _ format.Type) { *s = format.Statistics{NullCount: noCount} })},
	{"no bounds", stats(func(s *format.Statistics, _ format.Type) { s.MinValue, s.MaxValue = nil, nil })},
	{"no least", stats(func(s *format.Statistics, _ format.Type) { s.MinValue = nil })},
	{"no greatest", stats(func(s *format.Statistics, _ format.Type) { s.MaxValue = nil })},
	{"deprecated bounds", stats(func(s *format.Statistics, _ format.Type) {
		s.Min, s.Max, s.MinValue, s.MaxValue = s.MinValue, s.MaxValue, nil, nil
	})},
	{"deprecated bounds by sign", stats(func(s *format.Statistics, _ format.Type) {
		s.Min, s.Max, s.MinValue, s.MaxValue = s.MaxValue, s.MinValue, nil, nil
	})},
	{"no orders", func(p *patch) { p.footer.ColumnOrders = nil }},
	{"fewer orders", func(p *patch) { p.footer.ColumnOrders = p.footer.ColumnOrders[:min(3, len(p.footer.ColumnOrders))] }},
	{"unknown orders", func(p *patch) {
		for i := range p.footer.ColumnOrders {
			p.footer.ColumnOrders[i].Value = nil
		}
	}},
	{"NaN", stats(func(s *format.Statistics, t format.Type) {
		if t == format.Double {
			s.MinValue, s.MaxValue = nanOf(t), nanOf(t)
		}
	})},
	{"least is NaN", stats(func(s *format.Statistics, t format.Type) {
		if t == format.Double {
			s.MinValue = nanOf(t)
		}
	})},
	{"cut off", stats(func(s *format.Statistics, t format.Type) {
		if isText(t) {
			cut(s, 5)
		}
	})},
	{"cut off within a character", stats(func(s *format.Statistics, t format.Type) {
		if isText(t) {
			cut(s, 1)
		}
	})},
	{"greatest is all 0xff", stats(func(s *format.Statistics, t format.Type) {
		if isText(t) {
			s.MaxValue = []byte{0xff, 0xff}
		}
	})},
	{"least above greatest", stats(func(s *format.Statistics, _ format.Type) {
		if len(s.MinValue) > 0 && len(s.MaxValue) > 0 { // or a lie would be left that nothing tells
			s.MinValue, s.MaxValue = s.MaxValue, s.MinValue
		}
	})},
	{"no count", stats(func(s *format.Statistics, _ format.Type) { s.NullCount, s.DistinctCount = noCount, 0 })},
	{"too many nulls", stats(func(s *format.Statistics, _ format.Type) { s.NullCount = 1 << 40 })},
	{"fewer nulls than none", stats(func(s *format.Statistics, _ format.Type) { s.NullCount = -1 })},
	{"far fewer nulls than none", stats(func(s *format.Statistics, _ format.Type) { s.NullCount = math.MinInt64 })},
	{"too short", stats(func(s *format.Statistics, t format.Type) {
		if !isText(t) {
			s.MinValue, s.MaxValue = []byte{1, 0, 0}, []byte{2, 0, 0}
		}
	})},
	{"too long", stats(func(s *format.Statistics, t format.Type) {
		if !isText(t) {
			s.MinValue, s.MaxValue = make([]byte, 9), make([]byte, 16)
		}
	})},
	{"empty", stats(func(s *format.Statistics, _ format.Type) { s.MinValue, s.MaxValue = []byte{}, []byte{} })},
	{"no encodings told", func(p *patch) { p.chunks(func(c *format.ColumnChunk) { c.MetaData.EncodingStats = nil }) }},
	{"no indexes", func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) {
			c.ColumnIndexOffset, c.ColumnIndexLength, c.OffsetIndexOffset, c.OffsetIndexLength = 0, 0, 0, 0
		})
	}},
	{"no places", func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) { c.OffsetIndexOffset, c.OffsetIndexLength = 0, 0 })
	}},
	{"indexes past the end", func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) { c.ColumnIndexOffset, c.OffsetIndexOffset = 1<<40, math.MaxInt64 })
	}},
	{"indexes elsewhere", func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) { c.ColumnIndexOffset, c.OffsetIndexOffset = 4, 9 })
	}},
	{"short index", index(func(x *format.ColumnIndex) {
		n := len(x.NullPages) - 1
		x.NullPages, x.MinValues, x.MaxValues = x.NullPages[:n], x.MinValues[:n], x.MaxValues[:n]
	})},
	{"index with few counts", index(func(x *format.ColumnIndex) { x.NullCounts = x.NullCounts[:len(x.NullCounts)/2] })},
	{"index without counts", index(func(x *format.ColumnIndex) { x.NullCounts = nil })},
	{"index with too many nulls", index(func(x *format.ColumnIndex) {
		for i := range x.NullCounts {
			x.NullCounts[i] = 1 << 40
		}
	})},
	{"index with null pages that have values", index(func(x *format.ColumnIndex) {
		for i := range x.NullPages {
			x.NullPages[i] = x.NullPages[i] || i == 0
		}
	})},
	{"index upside down", index(func(x *format.ColumnIndex) { x.MinValues, x.MaxValues = x.MaxValues, x.MinValues })},
	{"index with bounds of no size", index(func(x *format.ColumnIndex) {
		for i := range x.MinValues {
			x.MinValues[i], x.MaxValues[i] = nil, []byte{1, 2, 3}
		}
	})},
	{"short places", places(func(x *format.OffsetIndex) { x.PageLocations = x.PageLocations[:len(x.PageLocations)-1] })},
	{"places of other rows", places(func(x *format.OffsetIndex) { x.PageLocations[len(x.PageLocations)-1].FirstRowIndex += 1 << 30 })},
	{"filters elsewhere", func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) { c.MetaData.BloomFilterOffset = 4 })
	}},
	{"filters past the end", func(p *patch) {
		p.chunks(func(c *format.ColumnChunk) { c.MetaData.BloomFilterOffset = 1 << 40 })
	}},
}
