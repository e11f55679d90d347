package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// page is a page of values, taken apart. It is valid until the next one is read.
type page struct {
	number  int
	entries int    // rows of a flat column; with repetition, the values of its lists
	rep     []byte // repetition levels; nil: all are 0
	def     []byte // definition levels; nil: all are level
	level   byte
	vals    *values
}

// values are the values of a page that are not null, as Arrow keeps them.
type values struct {
	n int
	// dict, if not nil, has the values, and indexes says which.
	dict    *values
	indexes []int32
	// fixed are numbers of the column's width, or bits.
	fixed []byte
	// bytes and offsets are byte arrays; there is one offset more than values.
	bytes   []byte
	offsets []uint32

	store   []byte // memory to use again
	scratch []byte
}

// byteArray is the i-th value of byte arrays.
func (v *values) byteArray(i int) []byte {
	if v.dict != nil {
		return v.dict.byteArray(int(v.indexes[i]))
	}
	return v.bytes[v.offsets[i]:v.offsets[i+1]]
}

// version1 reads a page whose levels are packed with its values, each after its size.
func (r *dataPages) version1(h *pageHeader, body []byte) error {
	body, err := r.unpack(body, int(h.plain))
	if err != nil {
		return err
	}
	take := func(top byte, enc format.Encoding) ([]byte, error) {
		if top == 0 {
			return nil, nil
		}
		if enc != format.RLE {
			return nil, fmt.Errorf("its levels are encoded as %v, which is not read", enc)
		}
		if len(body) < 4 {
			return nil, errShort
		}
		n := binary.LittleEndian.Uint32(body)
		if uint64(n) > uint64(len(body)-4) {
			return nil, errShort
		}
		text := body[4 : 4+n]
		body = body[4+n:]
		return text, nil
	}
	rep, err := take(r.leaf.maxRep, h.rep)
	if err != nil {
		return err
	}
	def, err := take(r.leaf.maxDef, h.def)
	if err != nil {
		return err
	}
	return r.decode(rep, def, h.encoding, body)
}

// version2 reads a page whose levels lie before what is packed.
func (r *dataPages) version2(h *pageHeader, body []byte) error {
	nr, nd, size := int(h.repLen), int(h.defLen), int(h.plain)
	if nr < 0 || nd < 0 || nr > len(body) || nd > len(body)-nr || nr+nd > size {
		return errShort
	}
	rep, def, packed := body[:nr], body[nr:nr+nd], body[nr+nd:]
	if !h.stored {
		var err error
		if packed, err = r.unpack(packed, size-nr-nd); err != nil {
			return err
		}
	}
	return r.decode(rep, def, h.encoding, packed)
}

// maxValues bounds how many levels or values of a page are unpacked: runs of one value can
// stand for any number of them. A page that is all null may have more.
const maxValues = 1 << 25

var errValues = fmt.Errorf("it has more than %d values", maxValues)

// decode reads the levels and the values of the page.
func (r *dataPages) decode(rep, def []byte, enc format.Encoding, body []byte) (err error) {
	p := &r.page
	p.rep, p.def, p.level = nil, nil, r.leaf.maxDef
	present := p.entries
	if r.leaf.maxRep > 0 {
		if p.entries > maxValues {
			return errValues
		}
		all, constant, err := levels(r.rep, rep, r.leaf.maxRep, p.entries)
		if err != nil {
			return fmt.Errorf("repetition levels: %w", err)
		}
		if constant {
			all = repeat(all[:0], all[0], p.entries)
		}
		p.rep, r.rep = all, all
	}
	if r.leaf.maxDef > 0 {
		all, constant, err := levels(r.def, def, r.leaf.maxDef, p.entries)
		switch {
		case err != nil:
			return fmt.Errorf("definition levels: %w", err)
		case p.entries == 0:
		case constant:
			p.level = all[0]
			if p.level < r.leaf.maxDef {
				present = 0
			}
		default:
			p.def, r.def = all, all
			present = 0
			for _, l := range all {
				if l == r.leaf.maxDef {
					present++
				}
			}
		}
	}
	p.vals.dict = nil
	if present > maxValues {
		return errValues
	}
	if present == 0 {
		p.vals.n = 0
		return nil
	}
	if enc == format.RLEDictionary || enc == format.PlainDictionary {
		if r.dict == nil {
			return errors.New("it has indexes into a dictionary, and there is none")
		}
		p.vals.dict, p.vals.n = r.dict, present
		p.vals.indexes, err = indexes(p.vals.indexes, body, present)
		return err
	}
	return r.leaf.decode(p.vals, enc, body, present)
}

func repeat(dst []byte, b byte, n int) []byte {
	for range n {
		dst = append(dst, b)
	}
	return dst
}
