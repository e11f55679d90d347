package audit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// chain is a chain as it was read.
type chain struct {
	dataset string
	name    string
	size    int64
	entries []*Entry
}

// maxLine bounds what is read of a line, and of what was torn, in bytes.
const maxLine = 16 << 20

// read reads a chain and checks that each entry is whole and follows the one before.
func (c *checker) read(dataset string) error {
	ch := &chain{dataset: dataset, name: Path(c.root, dataset)}
	c.chains[dataset] = ch
	f, err := os.Open(ch.name)
	if errors.Is(err, fs.ErrNotExist) {
		if dataset == "" {
			c.Chains = append(c.Chains, Chain{Path: c.rel(ch.name)})
		}
		return nil // links and dataset tell whether it should be there
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r := &chainReader{checker: c, chain: ch, file: f, in: bufio.NewReaderSize(f, 1<<20), signs: newSignatures(c.opts)}
	if err := r.all(); err != nil {
		return err
	}
	if p := r.signs.end(); p != nil {
		p.Path = c.rel(ch.name)
		c.Problems = append(c.Problems, *p)
	}
	c.Chains = append(c.Chains, ch.summary(c.rel(ch.name)))
	return nil
}

// chainReader reads a chain's lines.
type chainReader struct {
	*checker
	*chain
	file  *os.File
	in    *bufio.Reader
	last  *Entry
	lost  bool // what came before is not known: it was told that it is no entry
	alien bool // it is the chain of another dataset, which was told
	signs *signatures
}

func (r *chainReader) all() error {
	for {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		line, err := readLine(r.in)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(line) > 0 {
			r.line(line)
		}
		if err != nil {
			return nil
		}
	}
}

// readLine reads a line with its end, or as much of it as is believed to be one.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	text := bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) && len(text) < maxLine {
		line, err = in.ReadSlice('\n')
		text = append(text, line...)
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	return text, err
}

// line takes a line, with its end if it has one.
func (r *chainReader) line(line []byte) {
	text, whole := bytes.CutSuffix(line, []byte("\n"))
	e, err := parse(text)
	if err == nil && whole {
		if what := r.follows(e); what != "" && !r.lost {
			r.wrong(what)
		}
		r.signs.check(e) // now: it shares the buffer that it was read into
		r.last, r.lost = e, false
		r.entries = append(r.entries, e)
		r.size += int64(len(line))
		return
	}
	if r.mended() {
		return
	}
	switch {
	case r.lost: // that was told
	case !whole:
		r.wrong("is torn: it does not end. A crash did it, or somebody; the next run says so in the chain")
	default:
		r.wrong("was changed: " + err.Error())
	}
	r.lost = true
	r.size += int64(len(line))
}

func (r *chainReader) wrong(what string) {
	r.Problems = append(r.Problems, Problem{Path: r.rel(r.name), Seq: r.next(), What: what})
}

func (r *chainReader) next() int64 {
	if r.last == nil {
		return 1
	}
	return r.last.Seq + 1
}

// follows says what is wrong with an entry as the next; nothing: it is.
func (r *chainReader) follows(e *Entry) string {
	prev := ""
	if r.last != nil {
		prev = r.last.Sum
	}
	switch {
	case e.Seq != r.next():
		return "is missing: entry " + itoa(e.Seq) + " stands in its place"
	case e.Prev != prev:
		return "does not follow the entry before: that is " + short(prev) + ", it follows " + short(e.Prev)
	case e.Dataset != r.chain.dataset && !r.alien:
		r.alien = true
		return "is of the chain of " + quote(e.Dataset)
	}
	return ""
}

// mended looks whether what begins here is no entry because a crash tore it, and an entry that
// follows says just that. It is gone on with there.
func (r *chainReader) mended() bool {
	from := r.size
	in, at := bufio.NewReader(io.NewSectionReader(r.file, from, maxLine)), from
	for {
		line, err := readLine(in)
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		if whole && at > from && bytes.Contains(text, []byte(`"torn":`)) {
			e, perr := parse(text)
			if perr == nil && e.Torn != nil && e.Torn.At == from && e.Torn.Bytes == at-from && r.follows(e) == "" {
				return r.goOn(e, at)
			}
		}
		if at += int64(len(line)); err != nil {
			return false
		}
	}
}

// goOn goes on with the entry that mends what is torn, if that is as it says.
func (r *chainReader) goOn(e *Entry, at int64) bool {
	torn := make([]byte, e.Torn.Bytes)
	if _, err := r.file.ReadAt(torn, e.Torn.At); err != nil || digestOf(torn) != e.Torn.SHA256 {
		return false
	}
	if complete(torn) {
		r.Problems = append(r.Problems, Problem{Path: r.rel(r.name), Seq: e.Seq, What: "says that a crash tore the " + itoa(e.Torn.Bytes) +
			" bytes before it, and there are complete lines in them, which no crash tears: they were changed, or put there"})
		r.size = at
		r.in.Reset(io.NewSectionReader(r.file, at, 1<<62))
		return true
	}
	r.note("%s: %d bytes before entry %d are no entry: a crash tore them, or somebody; entry %d says so since %s",
		r.rel(r.name), e.Torn.Bytes, e.Seq, e.Seq, e.Time.Format("2006-01-02 15:04:05"))
	r.size = at
	r.in.Reset(io.NewSectionReader(r.file, at, 1<<62))
	return true
}

// complete reports whether there are complete lines in what is torn.
func complete(torn []byte) bool {
	return slices.ContainsFunc(bytes.Split(torn, []byte("\n")), func(line []byte) bool { return bytes.HasSuffix(line, []byte("}")) })
}

// signatures checks, entry by entry, who signed a chain.
type signatures struct {
	keys   map[string]Public
	demand bool
	begun  bool // some entry was signed
	seen   int64
	bare   int64 // the first entry that was not; 0: none
	bad    *Problem
}

func newSignatures(o Options) *signatures {
	s := &signatures{keys: map[string]Public{}, demand: o.Signed || len(o.Keys) > 0}
	for _, k := range o.Keys {
		s.keys[k.ID] = k
	}
	return s
}

// check takes the next entry; only the first that is wrong counts, for what is wrong with it is
// mostly so of those after it.
func (s *signatures) check(e *Entry) {
	what := ""
	s.seen++
	k, known := s.keys[e.Key]
	switch {
	case e.Key == "" && s.begun && s.demand:
		what = "is not signed"
	case e.Key == "" && s.bare == 0:
		s.bare = e.Seq
	case e.Key == "" || len(s.keys) == 0:
	case !known:
		what = "is signed by key " + quote(e.Key) + ", which is not among those given"
	case !k.verifies(e):
		what = "is not what key " + e.Key + " signed"
	}
	s.begun = s.begun || e.Key != ""
	e.signed = nil // of a long chain it would be much
	if what != "" && s.bad == nil {
		s.bad = &Problem{Seq: e.Seq, What: what}
	}
}

// end gives what is wrong, if something is, once all entries were seen.
func (s *signatures) end() *Problem {
	if s.bad == nil && s.demand && !s.begun && s.bare > 0 {
		return &Problem{Seq: s.bare, What: "is not signed, and no entry after it is: 0 of " + itoa(s.seen) + " entries are signed"}
	}
	return s.bad
}

func (ch *chain) summary(path string) Chain {
	s := Chain{Dataset: ch.dataset, Path: path, Entries: int64(len(ch.entries))}
	for _, e := range ch.entries {
		if e.Key != "" {
			s.Signed++
			if !slices.Contains(s.Keys, e.Key) {
				s.Keys = append(s.Keys, e.Key)
			}
		}
		if e.Late {
			s.Late++
		}
		switch e.Kind {
		case Adopt:
			s.Adopted++
		case Mend:
			s.Mended++
		}
		s.Head = Head{Dataset: ch.dataset, Seq: e.Seq, Sum: e.Sum}
	}
	return s
}

// at gives an entry by its number; nil if there is none.
func (ch *chain) at(seq int64) *Entry {
	i, found := slices.BinarySearchFunc(ch.entries, seq, func(e *Entry, seq int64) int {
		return int(e.Seq - seq)
	})
	if !found {
		return nil
	}
	return ch.entries[i]
}

// links checks that what the project's chain says of the others is so, and what the caller knows
// of it.
func (c *checker) links() {
	own := c.chains[""]
	if h := c.opts.Head; h.Seq != 0 {
		e := own.at(h.Seq)
		switch {
		case e == nil:
			c.problem(own.name, "it ended with entry %d once, and has none of this number now", h.Seq)
		case e.Sum != h.Sum:
			c.Problems = append(c.Problems, Problem{c.rel(own.name), h.Seq, "is not the one the chain ended with once", h.Sum, e.Sum})
		}
	}
	told := map[string]bool{}
	for _, e := range own.entries {
		for _, h := range e.Heads {
			if e.Kind == Genesis {
				c.Problems = append(c.Problems, Problem{Path: c.rel(own.name), Seq: e.Seq, What: "the chain begins when that of " +
					h.Dataset + " had " + itoa(h.Seq) + " entries: the one before it is gone"})
			}
			if told[h.Dataset] {
				continue
			}
			told[h.Dataset] = !c.link(e, h)
		}
	}
}

// link checks one entry that the project's chain names.
func (c *checker) link(e *Entry, h Head) bool {
	ch := c.chains[h.Dataset]
	if ch == nil || len(ch.entries) == 0 {
		c.problem(Path(c.root, h.Dataset), "is gone: entry %d of the project names its entry %d", e.Seq, h.Seq)
		return false
	}
	there := ch.at(h.Seq)
	switch {
	case there == nil:
		c.Problems = append(c.Problems, Problem{Path: c.rel(ch.name), Seq: h.Seq, What: "is missing: entry " + itoa(e.Seq) + " of the project names it"})
		return false
	case there.Sum != h.Sum:
		c.Problems = append(c.Problems, Problem{c.rel(ch.name), h.Seq, "is not the one that entry " + itoa(e.Seq) + " of the project names", h.Sum, there.Sum})
		return false
	}
	return true
}
