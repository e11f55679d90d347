package trace

// Origin is a row of an input.
type Origin struct {
	Input *Input
	Split *Split
	// At is where the row stands in the split, and Row where in the file; both from 0, Row is
	// -1 where that is not known.
	At, Row int64
}

// File is the file that the row is in.
func (o Origin) File() string { return o.Input.Files[o.Split.File] }

// Each calls f with the rows that a row of the output came from, lane by lane and in the order
// of the input. One that came from a row in two ways is told of it once. An error of f ends it.
func (t *Reader) Each(row int64, f func(Origin) error) error {
	w := &walk{t: t, f: f, seen: places{}}
	for i := range t.footer.Lanes {
		p, err := t.at(&t.footer.Lanes[i], row)
		if err != nil {
			return err
		}
		if err := w.place(p, 1<<31-1); err != nil {
			return err
		}
	}
	return nil
}

type walk struct {
	t    *Reader
	f    func(Origin) error
	seen places
}

// places are a set of places, of which many are near each other: bits by the 64.
type places map[Place]uint64

// add reports whether a place is new.
func (s places) add(p Place) bool {
	word, bit := p>>6, uint64(1)<<(p&63)
	is := s[word]&bit != 0
	s[word] |= bit
	return !is
}

// place tells of a place; what a group is made of has smaller numbers of sources.
func (w *walk) place(p Place, below int32) error {
	if p == None || !w.seen.add(p) {
		return nil
	}
	in, g := w.t.source(p.Source())
	switch {
	case p.Source() >= below || in == nil && g < 0:
		return damaged("it has no source %d", p.Source())
	case in != nil:
		s := &in.Splits[p.Source()-in.First]
		o := Origin{Input: in, Split: s, At: p.Row(), Row: -1}
		if s.Row >= 0 {
			o.Row = s.Row + o.At
		}
		return w.f(o)
	}
	from, to, err := w.t.group(g, p.Row())
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		m, err := w.t.at(&w.t.footer.Groups[g].Members, i)
		if err != nil {
			return err
		}
		if err := w.place(m, p.Source()); err != nil {
			return err
		}
	}
	return nil
}
