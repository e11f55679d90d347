package expr

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// baseEnv holds what all expressions share: making it is slow, extending it is not.
var baseEnv = sync.OnceValue(func() *cel.Env {
	env, err := cel.NewEnv(
		cel.CrossTypeNumericComparisons(true),
		cel.EnableMacroCallTracking(), // so that macros can be written out again
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxDepth),
		cel.OptionalTypes(), ext.Strings(), ext.Math(), ext.Sets(), ext.Lists(), ext.Regex(),
		ext.Encoders(ext.EncodersVersion(0)), // base64; later ones read JSON and YAML without a bound
		ourFunctions(),
	)
	if err != nil {
		panic(err) // a clash of declarations: every test would fail
	}
	return env
})

// maxSource bounds an expression's length in code points, maxDepth its nesting.
const (
	maxSource = 64 << 10
	maxDepth  = 200
)
