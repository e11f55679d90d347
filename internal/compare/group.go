package compare

// slot counts the rows of a key, or those that are the same, of the left; those of the right are
// taken off.
type slot struct {
	key, all uint64
	net      [2]uint64
	used     bool
}

// slotBytes is about what a slot takes, with its share of the sums that are added up before.
const slotBytes = 48

// slots is how many a part of n rows has, a power of two.
func slots(n int) int {
	size := 16
	for size < 2*n {
		size *= 2
	}
	return size
}

func groupBytes(n int) int64 { return slotBytes * int64(slots(n)) }

// leftOver gives the places of the rows of a part that have no counterpart, or whose keys have
// such a row. The entries are in the order of their places: of rows that are the same the last are
// left over. It takes e over.
func leftOver(e entries, wholeKeys bool) (places []uint64) {
	if wholeKeys {
		e = suspects(e)
	}
	if e.len() == 0 {
		return nil
	}
	t := make([]slot, slots(e.len()))
	for i := range e.len() {
		r := e.at(i)
		one, other := uint64(1), uint64(0)
		if wholeKeys {
			one, other = sumsOf(r[0], r[1])
		}
		if r[2]&sideBit != 0 {
			one, other = -one, -other
		}
		s := find(t, r, wholeKeys)
		s.net[0], s.net[1] = s.net[0]+one, s.net[1]+other
	}
	for i := e.len() - 1; i >= 0; i-- {
		r := e.at(i)
		s := find(t, r, wholeKeys)
		switch net := int64(s.net[0]); {
		case wholeKeys:
			if s.net != [2]uint64{} {
				places = append(places, r[2])
			}
		case net > 0 && r[2]&sideBit == 0:
			s.net[0]--
			places = append(places, r[2])
		case net < 0 && r[2]&sideBit != 0:
			s.net[0]++
			places = append(places, r[2])
		}
	}
	return places
}

// suspects are the entries of buckets whose rows are not the same on both sides: most keys that have
// a counterpart go by sums alone, in a table that stays in the cache of a processor. They are
// moved to the front of e.
func suspects(e entries) entries {
	sums := make([][2]uint64, slots(e.len())/2)
	mask := uint64(len(sums) - 1)
	for i := range e.len() {
		r := e.at(i)
		one, other := sumsOf(r[0], r[1])
		if r[2]&sideBit != 0 {
			one, other = -one, -other
		}
		s := &sums[r[0]<<8>>16&mask]
		s[0], s[1] = s[0]+one, s[1]+other
	}
	out := entries{e.words[:0], e.width}
	for i := range e.len() {
		r := e.at(i)
		if sums[r[0]<<8>>16&mask] != [2]uint64{} {
			out.words = append(out.words, r...)
		}
	}
	return out
}

// find gives the slot of a row, or the free one that becomes it.
func find(t []slot, r []uint64, wholeKeys bool) *slot {
	key, all := r[0], r[1]
	at := key << 8 >> 16 // the first bits are those of the part
	if wholeKeys {
		all = 0
	} else {
		at ^= all
	}
	for mask := uint64(len(t) - 1); ; at++ {
		s := &t[at&mask]
		if !s.used {
			s.key, s.all, s.used = key, all, true
			return s
		}
		if s.key == key && s.all == all {
			return s
		}
	}
}
