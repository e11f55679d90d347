package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/parquet-go/parquet-go"
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

// dataPages reads the pages of a chunk as values of a column.
type dataPages struct {
	*pageReader
	leaf *leaf
	dict *values
	page page
	// rest is how many values of the chunk are not read yet.
	rest int64
	// places, if known, are where the pages with values are, and data is the next of them.
	places []place
	data   int
}

// wanted is every page with values.
func wanted(h *pageHeader) bool { return h.hasValues() || h.isDictionary() }

// next reads the next page of values; nil is the end of the chunk.
func (r *dataPages) next() (*page, error) {
	for {
		at := r.at
		raw, err := r.pageReader.next(wanted)
		if err != nil {
			return nil, err
		}
		if raw == nil {
			if r.rest != 0 {
				return nil, errors.New("it has fewer values than the footer says")
			}
			return nil, nil
		}
		isPage, err := r.take(raw)
		if err == nil && isPage {
			err = r.placed(at)
		}
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", raw.number, err)
		}
		if isPage {
			return &r.page, nil
		}
	}
}

// placed makes sure that the page just read, which began at a byte, is where the offset
// index has it, and with as many values.
func (r *dataPages) placed(at int64) error {
	if r.places == nil {
		return nil
	}
	if r.data == len(r.places) {
		return errPlace
	}
	p := r.places[r.data]
	if r.data++; p.offset != at || p.offset+p.size != r.at || p.rows != r.page.entries {
		return errPlace
	}
	return nil
}

var errPlace = errors.New("it is not as the offset index says")

// skip passes over whole pages of at most n values in all, and says of how many.
func (r *dataPages) skip(n int) (skipped int, err error) {
	if r.places != nil && (r.dict != nil || r.at >= r.places[0].offset) {
		return r.jump(n)
	}
	for {
		at, number := r.at, r.number
		raw, err := r.pageReader.next((*pageHeader).isDictionary)
		if err != nil || raw == nil {
			return skipped, err
		}
		k := raw.header.values()
		switch {
		case raw.header.isDictionary():
			if _, err := r.take(raw); err != nil {
				return skipped, fmt.Errorf("page %d: %w", raw.number, err)
			}
			if r.places != nil {
				return r.jump(n)
			}
		case k > n-skipped:
			r.at, r.number = at, number
			return skipped, nil
		default:
			skipped += k
			if r.rest -= int64(k); r.rest < 0 {
				return skipped, errMore
			}
		}
	}
}

// jump is skip by the offset index: what is passed over is not read.
func (r *dataPages) jump(n int) (skipped int, err error) {
	for r.data < len(r.places) && r.places[r.data].rows <= n-skipped {
		skipped += r.places[r.data].rows
		r.data++
		r.number++
	}
	if skipped == 0 {
		return 0, nil
	}
	if r.rest -= int64(skipped); r.rest < 0 {
		return skipped, errMore
	}
	if r.at = r.end; r.data < len(r.places) {
		r.at = r.places[r.data].offset
	}
	return skipped, nil
}

var errMore = errors.New("it has more values than the footer says")

// take reads a page, and reports whether it has values of rows.
func (r *dataPages) take(raw *rawPage) (bool, error) {
	h := &raw.header
	switch {
	case h.isDictionary():
		return false, r.dictionary(raw)
	case h.hasValues():
		if r.rest -= int64(h.n); r.rest < 0 {
			return false, errMore
		}
		r.page.number, r.page.entries, r.page.vals = raw.number, int(h.n), &r.vals
		if h.kind == format.DataPage {
			return true, r.version1(h, raw.body)
		}
		return true, r.version2(h, raw.body)
	}
	return false, nil
}

// dictionary reads the page that the indexes of the others point into.
func (r *dataPages) dictionary(raw *rawPage) error {
	h := &raw.header
	if r.dict != nil {
		return errors.New("it is a second dictionary")
	}
	if h.encoding != format.Plain && h.encoding != format.PlainDictionary {
		return errEncoding(h.encoding)
	}
	body, err := r.unpack(raw.body, int(h.plain))
	if err != nil {
		return err
	}
	dict := &values{}
	if err := r.leaf.decode(dict, format.Plain, body, int(h.n)); err != nil {
		return err
	}
	dict.own(body)
	r.dict = dict
	return nil
}

// own copies what still lies in the buffer of the page.
func (v *values) own(body []byte) {
	inside := func(b []byte) bool {
		if len(b) == 0 || len(body) == 0 {
			return false
		}
		first, at := uintptr(unsafe.Pointer(&body[0])), uintptr(unsafe.Pointer(&b[0]))
		return at >= first && at < first+uintptr(len(body))
	}
	if inside(v.fixed) {
		v.fixed = append([]byte(nil), v.fixed...)
	}
	if inside(v.bytes) {
		v.bytes = append([]byte(nil), v.bytes...)
	}
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

// decode reads the levels and the values of the page.
func (r *dataPages) decode(rep, def []byte, enc format.Encoding, body []byte) (err error) {
	p := &r.page
	p.rep, p.def, p.level = nil, nil, r.leaf.maxDef
	present := p.entries
	if r.leaf.maxRep > 0 {
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

// decode reads n values of the leaf's type.
func (l *leaf) decode(v *values, enc format.Encoding, body []byte, n int) error {
	v.n, v.dict = n, nil
	switch l.physical {
	case format.Boolean:
		return l.decodeBits(v, enc, body, n)
	case format.ByteArray:
		if err := decodeByteArrays(v, enc, body, n); err != nil {
			return err
		}
	default:
		if err := decodeFixed(v, enc, body, n, l.physical, l.size); err != nil {
			return err
		}
	}
	if l.convert != nil {
		return l.convert(v, l.size)
	}
	return nil
}

func (l *leaf) decodeBits(v *values, enc format.Encoding, body []byte, n int) error {
	switch enc {
	case format.Plain:
		if len(body) < (n+7)/8 {
			return errShort
		}
		v.fixed = body[:(n+7)/8]
		return nil
	case format.RLE:
		if len(body) < 4 || uint64(binary.LittleEndian.Uint32(body)) > uint64(len(body)-4) {
			return errShort
		}
		all, constant, err := levels(v.scratch, body[4:4+binary.LittleEndian.Uint32(body)], 1, n)
		if err != nil {
			return err
		}
		v.store = append(v.store[:0], make([]byte, (n+7)/8)...)
		for i := range n {
			bit := all[0]
			if !constant {
				bit = all[i]
			}
			v.store[i/8] |= bit << (i % 8)
		}
		v.fixed, v.scratch = v.store, all
		return nil
	}
	return errEncoding(enc)
}

func errEncoding(enc format.Encoding) error {
	return fmt.Errorf("its values are encoded as %v, which this type is not", enc)
}

func decodeByteArrays(v *values, enc format.Encoding, body []byte, n int) error {
	switch enc {
	case format.Plain:
		return plainByteArrays(v, body, n)
	case format.DeltaLengthByteArray:
		return deltaLengths(v, body, n)
	case format.DeltaByteArray:
		return deltaBytes(v, body, n)
	}
	return errEncoding(enc)
}

// plainByteArrays takes the lengths out from between the values.
func plainByteArrays(v *values, body []byte, n int) error {
	if n > len(body)/4 {
		return errShort
	}
	if cap(v.store) < len(body) {
		v.store = make([]byte, 0, len(body))
	}
	if cap(v.offsets) < n+1 {
		v.offsets = make([]uint32, 0, n+1)
	}
	out, offsets := v.store[:0], append(v.offsets[:0], 0)
	for range n {
		if len(body) < 4 {
			return errShort
		}
		size := uint64(binary.LittleEndian.Uint32(body))
		if size > uint64(len(body)-4) {
			return errShort
		}
		out = append(out, body[4:4+size]...)
		offsets = append(offsets, uint32(len(out)))
		body = body[4+size:]
	}
	v.store, v.bytes, v.offsets = out, out, offsets
	return nil
}

// decodeFixed decodes n values of a physical type of fixed size.
func decodeFixed(v *values, enc format.Encoding, body []byte, n int, physical format.Type, size int) error {
	if enc == format.Plain {
		if uint64(len(body)) < uint64(n)*uint64(size) {
			return errShort
		}
		v.fixed = body[:n*size]
		return nil
	}
	var err error
	decoder := parquet.LookupEncoding(enc)
	switch {
	case enc == format.DeltaBinaryPacked && (physical == format.Int32 || physical == format.Int64):
		if err := checkDelta(body, n); err != nil {
			return err
		}
	case enc == format.DeltaByteArray && physical == format.FixedLenByteArray:
		if err := deltaBytes(v, body, n); err != nil {
			return err
		}
		for i := range n {
			if int(v.offsets[i+1]-v.offsets[i]) != size {
				return errCount
			}
		}
		v.fixed = v.bytes
		return nil
	case enc != format.ByteStreamSplit:
		return errEncoding(enc)
	}
	if need := n*size + slack; cap(v.store) < need {
		v.store = make([]byte, 0, need)
	}
	switch physical {
	case format.Int32:
		var out []int32
		out, err = decoder.DecodeInt32(as[int32](v.store[:cap(v.store)])[:0], body)
		v.store = bytesOf(out)
	case format.Int64:
		var out []int64
		out, err = decoder.DecodeInt64(as[int64](v.store[:cap(v.store)])[:0], body)
		v.store = bytesOf(out)
	case format.Float:
		var out []float32
		out, err = decoder.DecodeFloat(as[float32](v.store[:cap(v.store)])[:0], body)
		v.store = bytesOf(out)
	case format.Double:
		var out []float64
		out, err = decoder.DecodeDouble(as[float64](v.store[:cap(v.store)])[:0], body)
		v.store = bytesOf(out)
	case format.FixedLenByteArray:
		v.store, err = decoder.DecodeFixedLenByteArray(v.store[:0], body, size)
	default:
		return errEncoding(enc)
	}
	if err != nil {
		return err
	}
	if len(v.store) < n*size {
		return errShort
	}
	v.fixed = v.store[:n*size]
	return nil
}

// as sees bytes as numbers of the machine's order, and bytesOf numbers as bytes.
func as[T any](b []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(t)))
}

func bytesOf[T any](v []T) []byte {
	var t T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(t)))
}
