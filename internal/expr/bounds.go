package expr

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// cel-go counts what a call has cost when it is done, which is too late for
// xs.map(i, s).join("") or s.replace("a", s). So the calls that can make much of little
// look at their arguments first. What passes a bound is an error of the row.

// The bounds of what cel-go does for a row.
const (
	maxRow     = 4 * maxValue // bytes that all its calls make together
	maxList    = 1 << 20      // elements of a list that a call makes
	maxPairs   = 1 << 22      // pairs of elements that a call compares
	maxPattern = 1000         // bytes of a regular expression that is no constant
	maxLoops   = 3            // macros within macros
)

var (
	errRow  = fmt.Errorf("the expression makes more than %d MiB of one row", maxRow>>20)
	errList = fmt.Errorf("the list would have more than %d elements", maxList)
)

// guards say of the arguments of an overload how many bytes it makes of them, or why it
// must not be called.
var guards = map[string]func(args []ref.Val) (bytes int, err error){
	"add_string": sum, "add_bytes": sum,
	"add_list":  func(args []ref.Val) (int, error) { return 16 * int(args[1].(traits.Lister).Size().(types.Int)), nil }, // the first is shared
	"list_join": joined, "list_join_string": joined,
	"string_replace_string_string": replaced, "string_replace_string_string_int": replaced,
	"string_format":                          func(args []ref.Val) (int, error) { return 8*bytesOf(args[0]) + 8*bytesOf(args[1]), nil },
	"string_split_string":                    split,
	"string_split_string_int":                split,
	"regex_replace_string_string_string":     regexReplaced,
	"regex_replace_string_string_string_int": regexReplaced,
	"regex_extract_string_string":            pattern,
	"regex_extractAll_string_string":         pattern,
	"matches":                                pattern,
	"matches_string":                         pattern,
	"lists_range": func(args []ref.Val) (int, error) {
		if args[0].(types.Int) > maxList {
			return 0, errList
		}
		return 16 * int(max(args[0].(types.Int), 0)), nil
	},
	"json_text_string_string": func(args []ref.Val) (int, error) { return min(bytesOf(args[0]), maxValue), nil },
	"list_sets_contains_list": pairs, "list_sets_equivalent_list": pairs, "list_sets_intersects_list": pairs,
	"list_hasOnly_list": pairs, "list_hasAny_list": pairs, "list_hasAll_list": pairs, "list_hasExactly_list": pairs,
	"list_distinct": func(args []ref.Val) (int, error) { return pairs([]ref.Val{args[0], args[0]}) },
}

func sum(args []ref.Val) (bytes int, err error) { return bytesOf(args[0]) + bytesOf(args[1]), nil }

// bytesOf is about how many bytes a value is written with.
func bytesOf(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	case traits.Lister:
		all := 0
		for i := types.Int(0); i < v.Size().(types.Int) && all <= maxValue; i++ {
			all += bytesOf(v.Get(i)) + 2
		}
		return all
	case traits.Mapper:
		all := 0
		for it := v.Iterator(); it.HasNext() == types.True && all <= maxValue; {
			key := it.Next()
			all += bytesOf(key) + bytesOf(v.Get(key)) + 4
		}
		return all
	}
	return 32
}

func joined(args []ref.Val) (int, error) {
	between := 0
	if len(args) > 1 {
		between = bytesOf(args[1])
	}
	n := int(args[0].(traits.Lister).Size().(types.Int))
	if between > 0 && n > maxValue/between {
		return 0, errTooLong
	}
	return bytesOf(args[0]) + n*between, nil
}

func replaced(args []ref.Val) (int, error) {
	s, old, by := string(args[0].(types.String)), string(args[1].(types.String)), string(args[2].(types.String))
	n := strings.Count(s, old)
	if grows := len(by) - len(old); grows > 0 && n > maxValue/grows {
		return 0, errTooLong
	}
	return len(s) + n*max(len(by)-len(old), 0), nil
}

func split(args []ref.Val) (int, error) {
	s := string(args[0].(types.String))
	n := strings.Count(s, string(args[1].(types.String))) + 1
	if n > maxList {
		return 0, errList
	}
	return len(s) + 16*n, nil
}

func regexReplaced(args []ref.Val) (int, error) {
	if _, err := pattern(args); err != nil {
		return 0, err
	}
	s, by := string(args[0].(types.String)), bytesOf(args[2])
	n := utf8.RuneCountInString(s) + 1 // matches at most; each may quote what it matched
	if by > 0 && n > maxValue/by {
		return 0, errTooLong
	}
	return len(s)*(1+by) + n*by, nil
}

func pattern(args []ref.Val) (int, error) {
	if n := bytesOf(args[1]); n > maxPattern {
		return 0, fmt.Errorf("a regular expression of %d bytes; at most %d are possible", n, maxPattern)
	}
	return 0, nil
}

func pairs(args []ref.Val) (int, error) {
	a, b := int(args[0].(traits.Lister).Size().(types.Int)), int(args[1].(traits.Lister).Size().(types.Int))
	if a > 0 && b > maxPairs/a {
		return 0, fmt.Errorf("lists of %d and %d elements are too long to be compared", a, b)
	}
	return 16 * max(a, b), nil
}

// spending is what the calls of a row have made so far. An activation has it under a
// name that no expression can spell.
type spending struct{ bytes int }

const spendingName = "@spending"

// guarded is a call that looks at its arguments first.
type guarded struct {
	interpreter.InterpretableCall
	guard func([]ref.Val) (int, error)
	call  func([]ref.Val) ref.Val
}

// guard is a decorator of calls.
func guard(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok {
		return i, nil
	}
	g, impl := guards[call.OverloadID()], implementations()[call.OverloadID()]
	if g == nil || impl == nil {
		return i, nil
	}
	return &guarded{call, g, impl}, nil
}

// Exec implements interpreter.InterpretableV2. Arguments that are null or errors decide
// as they do in cel-go's own calls.
func (g *guarded) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := g.Args()
	vals := make([]ref.Val, len(args))
	var unknown ref.Val
	for i, arg := range args {
		vals[i] = arg.Exec(frame)
		switch {
		case types.IsError(vals[i]) && (unknown == nil || len(args) != 2):
			return vals[i]
		case types.IsUnknown(vals[i]) && unknown == nil:
			unknown = vals[i]
		}
	}
	if unknown != nil {
		return unknown
	}
	bytes, err := g.guard(vals)
	if err == nil && bytes > maxValue {
		err = errTooLong
	}
	if s, ok := frame.ResolveName(spendingName); ok && err == nil {
		spent := s.(*spending)
		if spent.bytes += bytes; spent.bytes > maxRow {
			err = errRow
		}
	}
	if err != nil {
		return types.WrapErr(err)
	}
	return g.call(vals)
}

// Eval implements interpreter.Interpretable.
func (g *guarded) Eval(a interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(a, g.Exec)
}

// implementations are what the overloads with guards do, as cel-go declares them.
var implementations = sync.OnceValue(func() map[string]func([]ref.Val) ref.Val {
	add := func(v []ref.Val) ref.Val { return v[0].(traits.Adder).Add(v[1]) }
	all := map[string]func([]ref.Val) ref.Val{"add_string": add, "add_bytes": add, "add_list": add}
	for _, f := range baseEnv().Functions() {
		bindings, err := f.Bindings()
		if err != nil {
			panic(err) // a clash of declarations: every test would fail
		}
		for _, b := range bindings {
			if guards[b.Operator] != nil && all[b.Operator] == nil {
				all[b.Operator] = implementation(b)
			}
		}
	}
	match := func(v []ref.Val) ref.Val { return v[0].(traits.Matcher).Match(v[1]) }
	all["matches"], all["matches_string"] = match, match
	return all
})

func implementation(b *functions.Overload) func([]ref.Val) ref.Val {
	switch {
	case b.Unary != nil:
		return func(v []ref.Val) ref.Val { return b.Unary(v[0]) }
	case b.Binary != nil:
		return func(v []ref.Val) ref.Val { return b.Binary(v[0], v[1]) }
	}
	return func(v []ref.Val) ref.Val { return b.Function(v...) }
}

// programOptions are those of everything that cel-go evaluates.
func programOptions() []cel.ProgramOption {
	return []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(64), cel.CustomDecoratorV2(guard)}
}

// programOptions are those of what is compiled: a statement has more.
func (c *compiler) programOptions() []cel.ProgramOption {
	opts := programOptions()
	if c.statement {
		opts = append(opts, cel.CustomDecoratorV2(refuseNaN))
	}
	return opts
}
