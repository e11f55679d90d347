package sketch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxCount is the greatest count that is believed of a state that is read.
const maxCount = 1 << 53

// strict decodes an object that has just the fields named, none of them null.
func strict(text []byte, into any, fields ...string) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, f := range fields {
		if v, ok := all[f]; !ok || string(v) == "null" {
			return fmt.Errorf("state has no field %q", f)
		}
	}
	if len(all) != len(fields) {
		return fmt.Errorf("state has %d fields, %d expected", len(all), len(fields))
	}
	return json.Unmarshal(text, into)
}

var errCount = errors.New("state has counts that cannot be")

// validCounts reports whether each count may be that of a state.
func validCounts(counts ...int64) bool {
	for _, c := range counts {
		if c < 0 || c > maxCount {
			return false
		}
	}
	return true
}

// number is a float that JSON can keep whatever it is.
type number float64

// MarshalJSON writes NaN and the infinities as strings.
func (f number) MarshalJSON() ([]byte, error) {
	v := float64(f)
	switch {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"+Inf"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Inf"`), nil
	}
	return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *number) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"NaN"`:
		*f = number(math.NaN())
	case `"+Inf"`:
		*f = number(math.Inf(1))
	case `"-Inf"`:
		*f = number(math.Inf(-1))
	default:
		v, err := strconv.ParseFloat(string(text), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%.40q is not a number", text)
		}
		*f = number(v)
	}
	return nil
}

// bytesText is a text that JSON can keep whatever its bytes are.
type bytesText string

// MarshalJSON writes a string, or an object with the bytes in base64 if they are not UTF-8.
func (s bytesText) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(s)) {
		return json.Marshal(string(s))
	}
	return json.Marshal(map[string][]byte{"bytes": []byte(s)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *bytesText) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("{")) {
		var in struct {
			Bytes []byte `json:"bytes"`
		}
		err := strict(text, &in, "bytes")
		*s = bytesText(in.Bytes)
		return err
	}
	if string(text) == "null" {
		return errors.New("a text is null")
	}
	return json.Unmarshal(text, (*string)(s))
}
