package parquet

// A selection says which of some consecutive rows are wanted.
type selection struct {
	keep []bool  // of each row
	rows []int32 // those kept, ascending
	runs int     // stretches of kept rows
}

// set makes the selection of a mask, in memory of an earlier one.
func (s *selection) set(keep []bool) {
	if cap(s.rows) < len(keep) {
		s.rows = make([]int32, len(keep))
	}
	s.keep, s.rows, s.runs = keep, s.rows[:len(keep)], 0
	// Without branches: those of a random mask can't be predicted.
	n, before := 0, byte(0)
	for i, k := range as[byte](bytesOf(keep)) {
		s.rows[n] = int32(i)
		n += int(k)
		s.runs += int(k &^ before)
		before = k
	}
	s.rows = s.rows[:n]
}

// fewRuns is how many rows a run has on average from which on runs are taken as such.
const fewRuns = 16

// some appends the rows of a selection.
func (r *leafReader) some(s *selection) error {
	take := r.scattered
	if r.nested || s.runs*fewRuns <= len(s.rows) {
		take = r.inRuns
	}
	at, err := take(s)
	if err == nil && at < len(s.keep) {
		err = r.skip(len(s.keep) - at)
	}
	return err
}

// inRuns takes rows that follow each other at once. It ends behind the last that is kept,
// and says where, as scattered does.
func (r *leafReader) inRuns(s *selection) (at int, err error) {
	for next := 0; next < len(s.rows); {
		if gap := int(s.rows[next]) - at; gap > 0 {
			if err := r.skip(gap); err != nil {
				return at, err
			}
			at += gap
		}
		n := runOf(s.rows[next:])
		if err := r.read(n, len(s.rows)); err != nil {
			return at, err
		}
		at, next = at+n, next+n
	}
	return at, nil
}

// scattered takes rows page by page, those of a page each by itself. Pages without a row
// are passed over.
func (r *leafReader) scattered(s *selection) (at int, err error) {
	for next := 0; next < len(s.rows); {
		left := 0
		if r.page != nil {
			left = r.page.entries - r.entry
		}
		if gap := int(s.rows[next]) - at; gap > 0 && gap >= left {
			if err := r.skip(gap); err != nil {
				return at, err
			}
			at += gap
			continue
		}
		if left == 0 {
			if more, err := r.nextPage(); err != nil || !more {
				return at, orFewer(err)
			}
			continue
		}
		k, from := min(left, len(s.keep)-at), next
		for next < len(s.rows) && int(s.rows[next]) < at+k {
			next++
		}
		if err := r.pick(s.keep[at:at+k], s.rows[from:next], at, len(s.rows)); err != nil {
			return at, err
		}
		at += k
	}
	return at, nil
}

func orFewer(err error) error {
	if err == nil {
		return errFewer
	}
	return err
}

// runOf is how many rows from the first on follow each other.
func runOf(rows []int32) int {
	n := 1
	for n < len(rows) && rows[n] == rows[n-1]+1 {
		n++
	}
	return n
}

// picked are some of the entries of a page.
type picked struct {
	values
	def []byte
}

// pick appends some of the next entries of the page, of a flat column: those that keep
// marks, which are rows, counted from the row base on.
func (r *leafReader) pick(keep []bool, rows []int32, base, hint int) error {
	p, k := r.page, len(keep)
	if r.out.coding != nil && p.vals.dict == nil {
		return r.pickRuns(rows, base, k, hint)
	}
	at := r.picked.room(k)
	var def []byte
	switch {
	case p.def != nil:
		if r.value+count(p.def[r.entry:r.entry+k], r.maxDef) > p.vals.n {
			return errFewer
		}
		at, def = r.present(at, keep)
	case p.level == r.maxDef:
		if r.value+k > p.vals.n {
			return errFewer
		}
		at = at[:len(rows)]
		shift := int32(r.value - base)
		for i, row := range rows {
			at[i] = row + shift
		}
		r.value += k
	}
	r.entry += k
	r.picked.n, r.picked.dict = len(at), p.vals
	if p.vals.dict != nil {
		// indexes of indexes are indexes
		for i, j := range at {
			at[i] = p.vals.indexes[j]
		}
		r.picked.dict = p.vals.dict
	}
	r.picked.indexes = at
	_, err := r.entries(def, len(rows), &r.picked.values, 0, hint)
	return err
}

// room gives memory for n positions.
func (p *picked) room(n int) []int32 {
	if cap(p.indexes) < n {
		p.indexes = make([]int32, n)
	}
	return p.indexes[:n]
}

// present gives the levels of the kept entries, and the positions of their values.
func (r *leafReader) present(at []int32, keep []bool) ([]int32, []byte) {
	if cap(r.picked.def) < len(keep) {
		r.picked.def = make([]byte, len(keep))
	}
	def := r.picked.def[:len(keep)]
	value, nd, nv := r.value, 0, 0
	kept := as[byte](bytesOf(keep))
	for i, level := range r.page.def[r.entry : r.entry+len(keep)] {
		here := 0
		if level == r.maxDef {
			here = 1
		}
		def[nd], at[nv] = level, int32(value)
		nd += int(kept[i])
		nv += int(kept[i]) & here
		value += here
	}
	r.value = value
	return at[:nv], def[:nd]
}

// pickRuns is pick for strings that a page has without a dictionary, in a column that is
// given with one: it is rare.
func (r *leafReader) pickRuns(rows []int32, base, k, hint int) error {
	at := base
	for len(rows) > 0 {
		r.pass(int(rows[0]) - at)
		n := runOf(rows)
		if err := r.append(n, hint); err != nil {
			return err
		}
		at, rows = int(rows[0])+n, rows[n:]
	}
	r.pass(base + k - at)
	return nil
}
