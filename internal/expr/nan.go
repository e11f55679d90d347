package expr

import (
	"errors"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// notNumber says that a part of a statement is NaN.
type notNumber struct{ what string }

func (e *notNumber) Error() string {
	return e.what + " is not a number (NaN): there is NaN, or an infinity, among the values; leave them out with `where`, or say what is to be with is_nan"
}

// refuseNaN is a decorator of the calls of a statement: one that gives NaN fails. Only
// is_nan takes that for an answer.
func refuseNaN(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok {
		return i, nil
	}
	if call.Function() == "is_nan" && len(call.Args()) == 1 {
		return &asksNaN{call}, nil
	}
	return &numeric{call}, nil
}

// brokenName is under what the activation of a statement has its broken: no expression can
// spell it.
const brokenName = "@broken"

// broken has the errors of the values that a statement is about, and the first one that the
// statement added to them.
type broken struct {
	given []error
	first error
}

// note takes in what a call gave.
func (b *broken) note(v ref.Val) {
	err, is := v.(*types.Err)
	if is && b.first == nil && !slices.ContainsFunc(b.given, func(given error) bool { return errors.Is(err, given) }) {
		b.first = err
	}
}

// numeric is a call that does not give NaN, and of which an error is noted.
type numeric struct{ interpreter.InterpretableCall }

// Exec implements interpreter.InterpretableV2.
func (n *numeric) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := n.InterpretableCall.Exec(frame)
	if d, ok := v.(types.Double); ok && d != d {
		v = types.WrapErr(&notNumber{"what the statement calculates"})
	}
	if b, ok := frame.ResolveName(brokenName); ok {
		b.(*broken).note(v)
	}
	return v
}

// Eval implements interpreter.Interpretable.
func (n *numeric) Eval(a interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(a, n.Exec)
}

// asksNaN is is_nan.
type asksNaN struct{ interpreter.InterpretableCall }

// Exec implements interpreter.InterpretableV2.
func (n *asksNaN) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := n.Args()[0].Exec(frame)
	if err, is := v.(*types.Err); is {
		var nan *notNumber
		if errors.As(err, &nan) {
			return types.True
		}
		return err
	}
	if types.IsUnknown(v) {
		return v
	}
	return types.False
}

// Eval implements interpreter.Interpretable.
func (n *asksNaN) Eval(a interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(a, n.Exec)
}
