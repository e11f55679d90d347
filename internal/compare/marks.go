package compare

import "math/bits"

// Marks are some rows of a split.
type Marks []uint64

func newMarks(rows int64) Marks { return make(Marks, (rows+63)/64) }

func (m Marks) set(i int64) { m[i/64] |= 1 << (i % 64) }

// Has reports whether a row is marked.
func (m Marks) Has(i int64) bool { return m[i/64]>>(i%64)&1 == 1 }

// Count is how many rows are marked.
func (m Marks) Count() (n int64) {
	for _, w := range m {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// Bools are the marks as a source takes them, of a split of so many rows.
func (m Marks) Bools(rows int64) []bool {
	all := make([]bool, rows)
	if m == nil {
		return all
	}
	for i := range all {
		all[i] = m.Has(int64(i))
	}
	return all
}

// grown has room for so many rows.
func (m Marks) grown(rows int64) Marks {
	for int64(len(m))*64 < rows {
		m = append(m, 0)
	}
	return m
}
