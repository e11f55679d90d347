package vector

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// Matcher gives the test whether an expression matches somewhere in a text, which is what
// regexp.MatchString says. For most expressions it steps through a table, a byte a step,
// five to ten times as fast; what the table can't say is asked of package regexp: texts
// that are not ASCII, and expressions with word boundaries, with lines, or of too many
// states.
func Matcher(re *regexp.Regexp) func(string) bool {
	d := newDFA(re.String())
	if d == nil {
		return re.MatchString
	}
	return func(s string) bool {
		if matched, ok := d.match(s); ok {
			return matched
		}
		return re.MatchString(s)
	}
}

// dfa is a deterministic automaton over ASCII, made by the subset construction. State 0
// is dead: no match can come. State 1 is that a match has been.
type dfa struct {
	start uint8
	next  [][utf8.RuneSelf]uint8
	final []bool // a match if the text ends here
}

const (
	dead      = 0
	matched   = 1
	maxStates = 128
)

func newDFA(expression string) *dfa {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil
	}
	b := &builder{prog: prog, states: map[string]uint8{}, dfa: &dfa{}}
	b.add(nil)
	b.add([]uint32{}) // its number is what counts
	first, ok := b.follow([]uint32{uint32(prog.Start)}, true, false)
	if !ok {
		return nil
	}
	if b.dfa.start, ok = b.state(first); !ok {
		return nil
	}
	for at := uint8(matched + 1); int(at) < len(b.sets); at++ {
		if !b.fill(at) {
			return nil
		}
	}
	return b.dfa
}

// match runs the automaton; ok is false for a text that is not ASCII.
func (d *dfa) match(s string) (is, ok bool) {
	at := d.start
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return false, false
		}
		if at <= matched {
			return at == matched, true
		}
		at = d.next[at][c]
	}
	return d.final[at], true
}

// builder makes a dfa. Each state is a set of instructions, sorted, which a rune may be
// eaten by.
type builder struct {
	prog   *syntax.Prog
	states map[string]uint8
	sets   [][]uint32
	dfa    *dfa
}

func (b *builder) add(set []uint32) {
	b.sets = append(b.sets, set)
	b.dfa.next = append(b.dfa.next, [utf8.RuneSelf]uint8{})
	b.dfa.final = append(b.dfa.final, len(b.sets)-1 == matched)
	if len(b.sets)-1 == matched {
		for c := range b.dfa.next[matched] {
			b.dfa.next[matched][c] = matched
		}
	}
}

// follow gives the instructions that are reached without eating anything: those that eat,
// those of a match, and, unless the text ends here, those that want its end. It reports
// false for assertions that the automaton can't tell.
func (b *builder) follow(from []uint32, atStart, atEnd bool) (set []uint32, ok bool) {
	seen := map[uint32]bool{}
	for todo := slices.Clone(from); len(todo) > 0; {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &b.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, in.Out)
		case syntax.InstFail:
		case syntax.InstEmptyWidth:
			switch op := syntax.EmptyOp(in.Arg); {
			case op == syntax.EmptyEndText && atEnd, op == syntax.EmptyBeginText && atStart && !atEnd:
				todo = append(todo, in.Out)
			case op == syntax.EmptyEndText:
				set = append(set, pc)
			case op != syntax.EmptyBeginText || atStart: // of $^ it depends on more than the state
				return nil, false
			}
		default:
			set = append(set, pc)
		}
	}
	slices.Sort(set)
	return set, true
}

// state gives the number of a set of instructions, which may be new.
func (b *builder) state(set []uint32) (uint8, bool) {
	if len(set) == 0 {
		return dead, true
	}
	key := make([]byte, 0, 4*len(set))
	for _, pc := range set {
		if b.prog.Inst[pc].Op == syntax.InstMatch {
			return matched, true
		}
		key = append(key, byte(pc>>24), byte(pc>>16), byte(pc>>8), byte(pc))
	}
	if at, known := b.states[string(key)]; known {
		return at, true
	}
	if len(b.sets) == maxStates {
		return 0, false
	}
	at := uint8(len(b.sets))
	b.states[string(key)] = at
	b.add(set)
	return at, true
}

// fill finds where each character leads from a state, and whether the text may end there.
// A match may begin at every character, so that the start is in every state.
func (b *builder) fill(at uint8) bool {
	for c := range rune(utf8.RuneSelf) {
		to := []uint32{uint32(b.prog.Start)}
		for _, pc := range b.sets[at] {
			if in := &b.prog.Inst[pc]; in.Op != syntax.InstEmptyWidth && in.MatchRune(c) {
				to = append(to, in.Out)
			}
		}
		set, ok := b.follow(to, false, false)
		if !ok {
			return false
		}
		next, ok := b.state(set)
		if !ok {
			return false
		}
		b.dfa.next[at][c] = next
	}
	set, ok := b.follow(b.sets[at], at == b.dfa.start, true)
	b.dfa.final[at] = slices.ContainsFunc(set, func(pc uint32) bool { return b.prog.Inst[pc].Op == syntax.InstMatch })
	return ok
}
