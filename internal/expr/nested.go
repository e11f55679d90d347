package expr

import (
	"cel.dev/cel-go/common/types/ref"
	"github.com/apache/arrow-go/v18/arrow"
)

// values gives the CEL value of a row of a column of another kind.
func values(a arrow.Array) func(int) ref.Val {
	panic("a column of type " + a.DataType().String() + " got past celType")
}
