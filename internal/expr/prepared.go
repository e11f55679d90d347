package expr

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/penstock-data/penstock/internal/expr/formats"
	"github.com/penstock-data/penstock/internal/expr/vector"
)

// A preparedFunc is a function of two texts, of which the second is read once if it is
// constant: a layout, a path, a schema.
type preparedFunc struct {
	name string
	typ  *cel.Type
	unit vector.Unit
	// total says that it is an error for no first text, once the second is read.
	total bool
	// literal says that the second has to stand in the expression.
	literal bool
	check   func(second string) error
	bind    func(s, second string) ref.Val
	// with gives the kernel for a constant, each for a column.
	with func(second string) (vector.Kernel, error)
	each vector.Kernel
}

// prepared are these functions by their overloads.
var prepared = func() map[string]*preparedFunc {
	truth := func(b bool) ref.Val { return types.Bool(b) }
	text := func(s string) ref.Val { return types.String(s) }
	instant := func(micros int64) ref.Val { return types.Timestamp{Time: time.UnixMicro(micros).UTC()} }
	all := map[string]*preparedFunc{}
	for _, p := range []*preparedFunc{
		prepare(preparedFunc{name: "is_date", typ: cel.BoolType, total: true}, isDateOf, truth, vector.SetBool),
		prepare(preparedFunc{name: "parse_date", typ: cel.TimestampType, unit: vector.Micros}, parseDate, instant, vector.SetInt),
		prepare(preparedFunc{name: "json_has", typ: cel.BoolType, total: true}, jsonHas, truth, vector.SetBool),
		prepare(preparedFunc{name: "json_type", typ: cel.StringType, total: true}, jsonType, text, vector.SetText),
		prepare(preparedFunc{name: "json_text", typ: cel.StringType}, jsonText, text, vector.SetText),
		prepare(preparedFunc{name: "json_matches", typ: cel.BoolType, literal: true}, matchesSchema, truth, vector.SetBool),
	} {
		all[p.name+"_string_string"] = p
	}
	return all
}()

// prepare completes a function by what reads its second text.
func prepare[T any](p preparedFunc, read func(string) (func(string) (T, error), error), val func(T) ref.Val, set func(*vector.Vector, int, T)) *preparedFunc {
	read = remembered(read)
	call := func(s, second string) (result T, err error) {
		f, err := read(second)
		if err != nil {
			return result, err
		}
		return f(s)
	}
	p.check = func(second string) error {
		_, err := read(second)
		return err
	}
	p.bind = func(s, second string) ref.Val {
		result, err := call(s, second)
		if err != nil {
			return types.WrapErr(err)
		}
		return val(result)
	}
	p.with = func(second string) (vector.Kernel, error) {
		f, err := read(second)
		return vector.TryTexts(f, set), err
	}
	p.each = vector.TryTwoTexts(call, set)
	return &p
}

// maxRemembered are the second texts that a function remembers.
const maxRemembered = 256

// remembered reads the same text once.
func remembered[F any](read func(string) (F, error)) func(string) (F, error) {
	var mu sync.Mutex
	known := map[string]F{}
	return func(text string) (F, error) {
		mu.Lock()
		defer mu.Unlock()
		if f, ok := known[text]; ok {
			return f, nil
		}
		text = strings.Clone(text)
		f, err := read(text)
		if err == nil {
			if len(known) == maxRemembered {
				clear(known)
			}
			known[text] = f
		}
		return f, err
	}
}

func isDateOf(layout string) (func(string) (bool, error), error) {
	l, err := formats.NewLayout(layout)
	return func(s string) (bool, error) {
		_, ok := l.Parse(s)
		return ok, nil
	}, err
}

func parseDate(layout string) (func(string) (int64, error), error) {
	l, err := formats.NewLayout(layout)
	return func(s string) (int64, error) {
		t, ok := l.Parse(s)
		if !ok {
			return 0, fmt.Errorf("%q is no date of layout %q", shorten(s), layout)
		}
		return t.UnixMicro(), nil
	}, err
}

func jsonHas(path string) (func(string) (bool, error), error) {
	p, err := formats.NewPath(path)
	return func(s string) (bool, error) { return p.Has(s), nil }, err
}

func jsonType(path string) (func(string) (string, error), error) {
	p, err := formats.NewPath(path)
	return func(s string) (string, error) { return p.Type(s), nil }, err
}

func jsonText(path string) (func(string) (string, error), error) {
	p, err := formats.NewPath(path)
	return func(s string) (string, error) {
		text, ok := p.Text(s)
		switch {
		case len(text) > maxValue:
			return "", errTooLong
		case ok:
			return text, nil
		case !formats.JSON(s):
			return "", errNoJSON
		}
		return "", fmt.Errorf("there is nothing at %s", path)
	}, err
}

var errNoJSON = errors.New("the text is no JSON")

func matchesSchema(text string) (func(string) (bool, error), error) {
	schema, err := formats.NewSchema(text)
	if err != nil {
		return nil, err
	}
	return schema.Matches, nil
}

// declare gives the overload.
func (p *preparedFunc) declare() cel.EnvOption {
	return cel.Function(p.name, cel.Overload(p.name+"_string_string", []*cel.Type{cel.StringType, cel.StringType}, p.typ,
		cel.BinaryBinding(func(s, second ref.Val) ref.Val {
			return p.bind(string(s.(types.String)), string(second.(types.String)))
		})))
}

// node gives the node of a call.
func (p *preparedFunc) node(args []*node) *node {
	kernel, name := p.each, p.name+" each"
	if second, ok := constantText(args[1]); ok {
		if constant, err := p.with(second); err == nil {
			kernel, name = constant, p.name
		}
	}
	n := join(name, kindOf(p.typ), callOp{kernel}, args...)
	n.unit = p.unit
	return n
}

// readConstants gives the first mistake in a layout, path or schema that stands in the
// expression.
func (c *compiler) readConstants(checked *ast.AST) error {
	var first error
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if first != nil || e.Kind() != ast.CallKind {
			return
		}
		for _, id := range checked.GetOverloadIDs(e.ID()) {
			if p := prepared[id]; p != nil {
				arg := e.AsCall().Args()[1]
				if err := p.readConstant(arg); err != nil {
					first = c.mistake(arg, p.name+": "+err.Error())
				}
			}
		}
	}))
	return first
}

func (p *preparedFunc) readConstant(arg ast.Expr) error {
	if arg.Kind() == ast.LiteralKind {
		if text, ok := arg.AsLiteral().(types.String); ok {
			return p.check(string(text))
		}
	}
	if p.literal {
		return errors.New("its second argument has to stand there as a text")
	}
	return nil
}

// mistake is an error at a part of the expression.
func (c *compiler) mistake(e ast.Expr, msg string) *Error {
	at := c.info.GetStartLocation(e.ID())
	return &Error{Msg: msg, Line: at.Line(), Col: at.Column() + 1, Snippet: c.caret(at)}
}
