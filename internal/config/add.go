package config

import (
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// AddRules gives the text of a pipeline file in which a stage has more rules, behind those it
// has; the rest stays as it is. An entry is the lines of one item of the list, without
// indentation; lines before its "- " are comments. A list that stands in brackets is written
// as one with dashes.
func AddRules(name string, text []byte, stage string, entries [][]string) ([]byte, error) {
	root, err := parseYAML(name, text)
	if err != nil {
		return nil, err
	}
	stages := root.get("stages")
	if stages == nil || stages.get(stage) == nil {
		return nil, &pipeline.Error{Kind: pipeline.Invalid, At: pipeline.Pos{File: name}, Msg: "has no stage " + stage}
	}
	e := newEditor(string(text))
	n := stages.get(stage)
	if n.kind != mapping || e.before(n.pos) != "" {
		return nil, &pipeline.Error{
			Kind: pipeline.Invalid, At: n.pos, Stage: stage, Msg: "is written in brackets, to which no rules can be added",
			Evidence: []string{"write it with a line for each key"},
		}
	}
	gates := n.get("gates")
	switch {
	case gates == nil:
		e.begin(n, entries)
	case gates.kind == sequence && len(gates.values) > 0 && strings.HasPrefix(e.before(gates.values[0].pos), "- "):
		e.extend(gates, entries)
	default:
		if err := e.unfold(keyOf(n, "gates").pos, gates, entries); err != nil {
			return nil, err
		}
	}
	return []byte(strings.Join(e.lines, "")), nil
}

func keyOf(n *node, name string) *node {
	for _, k := range n.keys {
		if k.text == name {
			return k
		}
	}
	return nil
}

// editor has the lines of a file, with their ends.
type editor struct {
	lines []string
	end   string // of a line
}

func newEditor(text string) *editor {
	e := &editor{lines: slices.Collect(strings.Lines(text)), end: "\n"}
	if len(e.lines) > 0 && strings.HasSuffix(e.lines[0], "\r\n") {
		e.end = "\r\n"
	}
	return e
}

// before is what stands in a line before a place, but for indentation.
func (e *editor) before(at pipeline.Pos) string {
	r := []rune(e.lines[at.Line-1])
	return strings.TrimLeft(string(r[:min(at.Col-1, len(r))]), " ")
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// blank reports whether a line has nothing, or a comment alone.
func blank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#")
}

// blockEnd is the index of the line after a block that begins in line from and whose other
// lines are indented by more than so many spaces.
func (e *editor) blockEnd(from, indent int) int {
	end := from + 1
	for i := end; i < len(e.lines); i++ {
		switch line := e.lines[i]; {
		case blank(line):
		case indentOf(line) > indent:
			end = i + 1
		default:
			return end
		}
	}
	return end
}

// insert puts lines before line at, each indented by so many spaces.
func (e *editor) insert(at, indent int, lines []string) {
	if at == len(e.lines) && at > 0 && !strings.HasSuffix(e.lines[at-1], "\n") {
		e.lines[at-1] += e.end
	}
	var added []string
	for _, l := range lines {
		added = append(added, strings.Repeat(" ", indent)+l+e.end)
	}
	e.lines = slices.Insert(e.lines, at, added...)
}

// extend adds entries behind the items of a list.
func (e *editor) extend(list *node, entries [][]string) {
	last := list.values[len(list.values)-1].pos.Line - 1
	indent := indentOf(e.lines[last])
	e.insert(e.blockEnd(last, indent), indent, slices.Concat(entries...))
}

// begin gives a stage a list: before its output or, without one, at its end.
func (e *editor) begin(stage *node, entries [][]string) {
	indent := stage.pos.Col - 1
	at := e.blockEnd(stage.pos.Line-1, indent-1)
	if out := keyOf(stage, "output"); out != nil {
		at = out.pos.Line - 1
		for at > 0 && strings.HasPrefix(strings.TrimSpace(e.lines[at-1]), "#") {
			at--
		}
	}
	e.insert(at, indent+2, slices.Concat(entries...))
	e.insert(at, indent, []string{"gates:"})
}

// unfold writes a list in brackets, or an empty one, with dashes.
func (e *editor) unfold(key pipeline.Pos, list *node, entries [][]string) error {
	at := key.Line - 1
	indent := indentOf(e.lines[at])
	text := strings.Join(e.lines[at:], "")
	_, rest, _ := strings.Cut(text, ":")
	rest = strings.TrimLeft(rest, " ")
	items, length, ok := splitList(rest)
	after, _, _ := strings.Cut(rest[length:], "\n")
	if list.kind == nothing {
		after, _, ok = strings.Cut(rest, "\n")
	}
	after = strings.TrimSpace(after)
	if !ok || after != "" && !strings.HasPrefix(after, "#") {
		return &pipeline.Error{
			Kind: pipeline.Invalid, At: list.pos, Msg: "the list of gates is written so that no rules can be added",
			Evidence: []string{"write it with a dash for each rule"},
		}
	}
	end := at + strings.Count(text[:len(text)-len(rest)+length], "\n") + 1
	e.lines = slices.Delete(e.lines, at, end)
	e.insert(at, indent+2, append(items, slices.Concat(entries...)...))
	e.insert(at, indent, []string{strings.TrimSpace("gates: " + after)})
	return nil
}

// splitList cuts a list in brackets, with which the text begins, into items with dashes. It
// gives how long the list is, and whether that could be done.
func splitList(text string) (items []string, length int, ok bool) {
	if !strings.HasPrefix(text, "[") {
		return nil, 0, false
	}
	depth, from := 0, 1
	var quote rune
	take := func(to int) {
		if item := strings.Join(strings.Fields(text[from:to]), " "); item != "" {
			items = append(items, "- "+item)
		}
		from = to + 1
	}
	for i, r := range text {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
			if r == '\n' || r == '\\' {
				return nil, 0, false
			}
		case r == '\'' || r == '"':
			quote = r
		case r == '#':
			return nil, 0, false
		case r == '[' || r == '{':
			depth++
		case r == ',' && depth == 1:
			take(i)
		case r == ']' || r == '}':
			if depth--; depth == 0 {
				take(i)
				return items, i + 1, true
			}
		}
	}
	return nil, 0, false
}
