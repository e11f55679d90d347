package expr

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// onlyNotNull reports whether a rewritten expression is a != null && b != null && ….
// It is the check that most rules are, and the validity bitmaps decide it alone.
func onlyNotNull(e ast.Expr) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.LogicalAnd:
		for _, arg := range args {
			if !onlyNotNull(arg) {
				return false
			}
		}
		return true
	case operators.LogicalNot:
		test := args[0]
		return test.Kind() == ast.CallKind && test.AsCall().FunctionName() == isNull &&
			test.AsCall().Args()[0].Kind() == ast.IdentKind
	}
	return false
}

// evalNotNull says of each row whether no column is null.
func evalNotNull(cols []arrow.Array, rows int, alloc memory.Allocator) *Result {
	valid := make([]bool, rows)
	for i := range valid {
		valid[i] = true
	}
	for _, col := range cols {
		if col.NullN() == 0 {
			continue
		}
		for i := range valid {
			valid[i] = valid[i] && col.IsValid(i)
		}
	}
	b := array.NewBooleanBuilder(alloc)
	defer b.Release()
	b.AppendValues(valid, nil)
	return &Result{Values: b.NewArray()}
}
