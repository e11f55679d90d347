package parquet

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

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
