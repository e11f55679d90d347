package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/penstock-data/penstock/pipeline"
)

// Bounds on what is read.
const (
	maxBytes = 1 << 20
	maxDepth = 64
	maxNodes = 100_000 // with every alias counted as what it stands for
)

type kind string

const (
	nothing  kind = "nothing"
	scalar   kind = "a text"
	number   kind = "a number"
	boolean  kind = "true or false"
	mapping  kind = "a mapping"
	sequence kind = "a list"
)

// node is a value in a YAML file.
type node struct {
	kind    kind
	pos     pipeline.Pos
	text    string       // of scalars, numbers and booleans, as written
	textPos pipeline.Pos // where the text begins
	keys    []*node      // of mappings, texts
	values  []*node      // of mappings and lists
}

// get gives the value of a key, or nil.
func (n *node) get(key string) *node {
	for i, k := range n.keys {
		if k.text == key {
			return n.values[i]
		}
	}
	return nil
}

// parseYAML reads the text of a file into nodes.
func parseYAML(file string, text []byte) (*node, error) {
	whole := pipeline.Pos{File: file}
	f, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(whole, err)
	}
	if len(f.Docs) > 1 {
		return nil, &pipeline.Error{Kind: pipeline.Invalid, At: whole, Msg: fmt.Sprintf("has %d YAML documents, one is expected", len(f.Docs))}
	}
	c := &converter{file: file, anchors: map[string]ast.Node{}}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		return nil, &pipeline.Error{Kind: pipeline.Invalid, At: whole, Msg: "is empty; a pipeline has a name, sources and stages"}
	}
	n := c.convert(f.Docs[0].Body, 0)
	if c.err != nil {
		return nil, c.err
	}
	return n, nil
}

func syntaxError(whole pipeline.Pos, err error) error {
	e := &pipeline.Error{Kind: pipeline.Invalid, At: whole, Msg: "not valid YAML"}
	var y yaml.Error
	if errors.As(err, &y) {
		e.Msg += ": " + strings.TrimSuffix(y.GetMessage(), ".")
		if t := y.GetToken(); t != nil && t.Position != nil {
			e.At.Line, e.At.Col = t.Position.Line, t.Position.Column
		}
		return e
	}
	e.Msg += ": " + strings.SplitN(err.Error(), "\n", 2)[0]
	return e
}

// converter makes nodes of goccy's tree.
type converter struct {
	file    string
	anchors map[string]ast.Node
	open    []string // anchors of aliases that are being followed
	count   int
	err     error
}

func (c *converter) fail(n ast.Node, format string, args ...any) *node {
	if c.err == nil {
		c.err = &pipeline.Error{Kind: pipeline.Invalid, At: c.pos(n), Msg: fmt.Sprintf(format, args...)}
	}
	return &node{kind: nothing, pos: c.pos(n)}
}

func (c *converter) pos(n ast.Node) pipeline.Pos {
	p := pipeline.Pos{File: c.file}
	if t := n.GetToken(); t != nil && t.Position != nil {
		p.Line, p.Col = t.Position.Line, t.Position.Column
	}
	return p
}

func (c *converter) convert(n ast.Node, depth int) *node {
	c.count++
	switch {
	case c.err != nil:
		return &node{kind: nothing}
	case depth > maxDepth:
		return c.fail(n, "nested deeper than %d levels", maxDepth)
	case c.count > maxNodes:
		return c.fail(n, "more than %d values, counting those that aliases stand for", maxNodes)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return c.mapping(n, n.Values, depth)
	case *ast.MappingValueNode:
		return c.mapping(n, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		s := &node{kind: sequence, pos: c.pos(n)}
		for _, v := range n.Values {
			s.values = append(s.values, c.convert(v, depth+1))
		}
		return s
	case *ast.AnchorNode:
		c.anchors[n.Name.GetToken().Value] = n.Value
		return c.convert(n.Value, depth+1)
	case *ast.AliasNode:
		return c.alias(n, depth)
	case *ast.LiteralNode:
		return c.block(n)
	case *ast.StringNode:
		at := c.pos(n)
		textPos := at
		if tok := n.GetToken(); tok != nil && len(tok.Origin) > 0 && strings.ContainsAny(strings.TrimSpace(tok.Origin)[:1], `"'`) {
			textPos.Col++
		}
		return &node{kind: scalar, pos: at, text: n.Value, textPos: textPos}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return &node{kind: number, pos: c.pos(n), textPos: c.pos(n), text: n.GetToken().Value}
	case *ast.BoolNode:
		return &node{kind: boolean, pos: c.pos(n), textPos: c.pos(n), text: n.GetToken().Value}
	case *ast.NullNode:
		return &node{kind: nothing, pos: c.pos(n)}
	}
	return c.fail(n, "%s is not used in pipeline files", strings.ToLower(n.Type().String()))
}

// block is a text of several lines, after | or >.
func (c *converter) block(n *ast.LiteralNode) *node {
	b := &node{kind: scalar, pos: c.pos(n), text: n.Value.Value}
	b.textPos = b.pos
	b.textPos.Line++
	origin := n.Value.GetToken().Origin
	b.textPos.Col = 1 + len(origin) - len(strings.TrimLeft(origin, " "))
	return b
}

func (c *converter) mapping(at ast.Node, pairs []*ast.MappingValueNode, depth int) *node {
	m := &node{kind: mapping, pos: c.pos(at)}
	first := map[string]pipeline.Pos{}
	for i, pair := range pairs {
		key := &node{kind: scalar, pos: c.pos(pair.Key), text: pair.Key.GetToken().Value}
		if pair.Key.IsMergeKey() {
			return c.fail(pair.Key, "merge keys (<<) are not used in pipeline files")
		}
		if i == 0 {
			m.pos = key.pos
		}
		if where, twice := first[key.text]; twice {
			return c.fail(pair.Key, "%q stands here twice; the first is in line %d", key.text, where.Line)
		}
		first[key.text] = key.pos
		value := c.convert(pair.Value, depth+1)
		if value.kind == nothing {
			value.pos = key.pos
		}
		m.keys, m.values = append(m.keys, key), append(m.values, value)
	}
	return m
}

func (c *converter) alias(n *ast.AliasNode, depth int) *node {
	name := n.Value.GetToken().Value
	target, ok := c.anchors[name]
	if !ok {
		return c.fail(n, "no anchor &%s stands before this alias", name)
	}
	for _, o := range c.open {
		if o == name {
			return c.fail(n, "the alias *%s stands in what it stands for", name)
		}
	}
	c.open = append(c.open, name)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	return c.convert(target, depth+1)
}
