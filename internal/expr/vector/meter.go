package vector

import "sync/atomic"

// Meter bounds an evaluation. Kernels stop where it is over; what they fill is then
// undefined, and whoever evaluates looks at the meter before it believes anything.
type Meter struct {
	Halted atomic.Bool // set from anywhere
	Made   int         // bytes of texts made so far
	Limit  int
}

// Over reports whether the evaluation has to end; never if there is no meter.
func (m *Meter) Over() bool { return m != nil && (m.Halted.Load() || m.Made > m.Limit) }

// Make counts the bytes of a text, and reports whether there is still room.
func (m *Meter) Make(bytes int) bool {
	if m == nil {
		return true
	}
	m.Made += bytes
	return !m.Over()
}
