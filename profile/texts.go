package profile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/expr/formats"
	"github.com/penstock-data/penstock/internal/sketch"
)

const (
	// maxText is up to how many bytes of a text are kept; longer ones are told apart by a
	// hash.
	maxText, cutText = 256, 240
	// maxFrequent is how many frequent values are looked for where there are many.
	maxFrequent = 256
)

func hashText(s string) uint64 { return xxh3.HashString(s) }

// texts is what is known of texts. While a unit has few distinct ones, each of them is
// looked at once, at its end.
type texts struct {
	tally    tally[string]
	frequent *sketch.Frequent // once the tally forgot them
	any      bool
	min, max string

	minLength, maxLength, lengths int64
	count, empty, blank           int64
	kinds                         [len(textKinds)]int64
	shape                         shape
	codes                         []int64 // of a dictionary, how often each came
}

func newTexts() *texts {
	s := &texts{tally: newTally(hashText), frequent: sketch.NewFrequent(maxFrequent)}
	s.tally.keep = strings.Clone
	s.tally.over = s.look
	return s
}

// look looks at a text that came n times.
func (s *texts) look(v string, n int64) {
	s.frequent.AddN(v, n)
	s.facts(v, n)
}

func (s *texts) add(batch arrow.RecordBatch, at int) {
	switch a := batch.Column(at).(type) {
	case *array.Dictionary:
		s.addCoded(a)
	default:
		read := textsOf(a)
		for i := range a.Len() {
			if a.IsValid(i) {
				s.take(read(i), 1)
			}
		}
	}
}

// addCoded counts the codes first, so that each text is looked at once.
func (s *texts) addCoded(d *array.Dictionary) {
	values := d.Dictionary()
	s.codes = append(s.codes[:0], make([]int64, values.Len())...)
	for i := range d.Len() {
		if d.IsValid(i) {
			s.codes[d.GetValueIndex(i)]++
		}
	}
	read := textsOf(values)
	for i, n := range s.codes {
		if n > 0 && values.IsValid(i) {
			s.take(read(i), n)
		}
	}
}

// textsOf reads an array of texts.
func textsOf(a arrow.Array) func(int) string {
	switch a := a.(type) {
	case *array.String:
		return a.Value
	case *array.LargeString:
		return a.Value
	case *array.StringView:
		return a.Value
	}
	return a.ValueStr
}

func (s *texts) take(v string, n int64) {
	if len(v) > maxText {
		s.facts(v, n)
		v = fmt.Sprintf("%s%s%016x", v[:cutText], cutSign, xxh3.HashString(v))
		s.tally.add(v, n)
		return
	}
	s.tally.add(v, n)
}

// cutSign stands behind what is kept of a long text, before its hash; it is not valid
// UTF-8, so that no text has it.
const cutSign = "\xff"

// facts takes in what a text is that came n times. What is left of a long one was looked
// at when it came.
func (s *texts) facts(v string, n int64) {
	if strings.Contains(v, cutSign) {
		return
	}
	s.bound(v)
	length := int64(utf8.RuneCountInString(v))
	if s.count == 0 {
		s.minLength, s.maxLength = length, length
	}
	s.minLength, s.maxLength = min(s.minLength, length), max(s.maxLength, length)
	s.count, s.lengths = s.count+n, s.lengths+n*length
	if formats.Blank(v) {
		s.blank += n
	}
	if v == "" {
		s.empty += n
		return
	}
	s.shape.add(v)
	for i, k := range textKinds {
		if k.is(v) {
			s.kinds[i] += n
		}
	}
}

func (s *texts) bound(v string) {
	cut := func(v string) string { return strings.Clone(v[:min(len(v), maxText)]) }
	if !s.any || v < s.min {
		s.min = cut(v)
	}
	if !s.any || v > s.max {
		s.max = cut(v)
	}
	s.any = true
}

// textKinds are what a text may look like; a text may be of several.
var textKinds = [...]struct {
	name string
	is   func(string) bool
}{
	{"integer", formats.Integer},
	{"number", func(s string) bool { return formats.Number(s) && !formats.Integer(s) }},
	{"bool", func(s string) bool { return formats.TypeOf(s) == "bool" }},
	{"date", formats.ISODate},
	{"timestamp", formats.ISOTimestamp},
	{"email", formats.Email},
	{"url", formats.URL},
	{"uuid", formats.UUID},
	{"ipv4", formats.IPv4},
	{"json", func(s string) bool { return (s[0] == '{' || s[0] == '[') && formats.JSON(s) }},
}

// end looks at the texts of a unit that has few.
func (s *texts) end() {
	for v, n := range s.tally.counts {
		s.facts(v, n)
	}
	s.codes = nil
}

func (s *texts) follow(next state) {
	o := next.(*texts)
	s.tally.over = func(v string, n int64) { s.frequent.AddN(v, n) } // their facts are known
	s.tally.merge(&o.tally)
	_ = s.frequent.Merge(o.frequent) // of the same capacity
	if o.any {
		s.bound(o.min)
		s.bound(o.max)
	}
	if s.count == 0 {
		s.minLength, s.maxLength = o.minLength, o.maxLength
	}
	if o.count > 0 {
		s.minLength, s.maxLength = min(s.minLength, o.minLength), max(s.maxLength, o.maxLength)
	}
	s.count, s.lengths, s.empty, s.blank = s.count+o.count, s.lengths+o.lengths, s.empty+o.empty, s.blank+o.blank
	for i, n := range o.kinds {
		s.kinds[i] += n
	}
	s.shape.merge(&o.shape)
}

func (s *texts) tell(c *Column, n int64) {
	c.Distinct = s.tally.count(n)
	if s.tally.counts != nil {
		c.Values = s.tally.values(readable)
	} else {
		c.Values = s.top()
	}
	t := &Texts{Min: s.min, Max: s.max, MinLength: s.minLength, MaxLength: s.maxLength, Empty: s.empty, Blank: s.blank}
	c.Texts = t
	if s.count == 0 {
		return
	}
	t.MeanLength = float64(s.lengths) / float64(s.count)
	for i, n := range s.kinds {
		if n > 0 {
			t.Kinds = append(t.Kinds, Value{textKinds[i].name, n})
		}
	}
	sortValues(t.Kinds)
	t.Shape = s.shape.regex()
}

// top are frequent values that are known to have come more than once.
func (s *texts) top() (all []Value) {
	items, _, _ := s.frequent.Top(maxShown)
	for _, it := range items {
		if it.Low > 1 && it.Low >= s.frequent.Missed() {
			all = append(all, Value{readable(it.Value), it.Low})
		}
	}
	sortValues(all)
	return all
}

// readable is a text as it is shown: of a long one its beginning.
func readable(v string) string {
	before, _, cut := strings.Cut(v, cutSign)
	if cut {
		return strings.ToValidUTF8(before, "") + "…"
	}
	return v
}
