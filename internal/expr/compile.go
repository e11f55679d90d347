package expr

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"github.com/apache/arrow-go/v18/arrow"
)

// Program is an expression bound to a schema. It is not changed once made, and safe
// for concurrent use.
type Program struct {
	source   string
	schema   *arrow.Schema
	columns  []int
	nullable bool
	typ      arrow.DataType
	timed    bool // it names a moment
	root     *node
	alone    *Group
	program  cel.Program // the whole of it, for a row

	values, conditions map[int]bool // see Origins
}

// Source is the text of the expression.
func (p *Program) Source() string { return p.source }

// Type is the type of the result.
func (p *Program) Type() arrow.DataType { return p.typ }

// Columns are the indexes in the schema of the columns it reads, ascending.
func (p *Program) Columns() []int { return p.columns }

// Timed reports whether it names a moment: what it gives of the same rows is another thing
// at another time, or in another partition.
func (p *Program) Timed() bool { return p.timed }

// Schema is what the program was compiled against.
func (p *Program) Schema() *arrow.Schema { return p.schema }

// Column is the column that the program is nothing but, if it is.
func (p *Program) Column() (int, bool) {
	_, is := p.root.op.(columnOp)
	return p.root.column, is
}

// Nullable reports whether a column that it reads may be null.
func (p *Program) Nullable() bool { return p.nullable }

// Compile types the expression against the schema. The error is an *Error.
func Compile(src string, schema *arrow.Schema) (*Program, error) {
	return CompileAt(src, schema, nil)
}

// Moments are instants that an expression may name, by the function that gives each: now(),
// partition_start(), partition_end(); and texts: partition_name().
type Moments map[string]any

// CompileAt is Compile for an expression that may name moments.
func CompileAt(src string, schema *arrow.Schema, at Moments) (*Program, error) {
	if p := known.get(programKey{src: src}, schema); p != nil {
		return p, nil
	}
	c := newCompiler(src, schema)
	c.moments = at
	parsed, err := c.parse()
	if err != nil {
		return nil, err
	}
	return c.program(parsed)
}

// compiler is at work on one expression.
type compiler struct {
	src        string
	schema     *arrow.Schema
	byVariable map[string]int
	columns    []int
	nextID     int64
	info       *ast.SourceInfo
	moments    Moments
	timed      bool
	// statement says that the columns are metrics, and calls which.
	statement bool
	calls     string
}

func newCompiler(src string, schema *arrow.Schema) *compiler {
	c := &compiler{src: src, schema: schema, byVariable: map[string]int{}, nextID: 1 << 40}
	for i, f := range schema.Fields() {
		if celType(f.Type) != nil {
			c.byVariable[c.variable(f.Name)] = i
		}
	}
	return c
}

func (c *compiler) parse() (*cel.Ast, error) {
	parsed, issues := baseEnv().Parse(c.src)
	if issues.Err() != nil {
		return nil, c.problem(issues)
	}
	return parsed, nil
}

// program rewrites, checks and plans a parsed expression.
func (c *compiler) program(parsed *cel.Ast) (*Program, error) {
	c.info = parsed.NativeRep().SourceInfo()
	c.rewrite(parsed.NativeRep().Expr())
	slices.Sort(c.columns)
	structs := &structTypes{Provider: baseEnv().CELTypeProvider(), known: map[string]*arrow.StructType{}}
	vars := []cel.EnvOption{cel.CustomTypeProvider(structs)}
	p := &Program{source: c.src, schema: c.schema, columns: c.columns, timed: c.timed}
	for name, i := range c.byVariable {
		structs.add(c.schema.Field(i).Type)
		vars = append(vars, cel.Variable(name, celType(c.schema.Field(i).Type)))
	}
	if c.statement {
		vars = append(vars, ratioFunction())
	}
	for _, i := range c.columns {
		p.nullable = p.nullable || c.schema.Field(i).Nullable
	}
	env, err := baseEnv().Extend(vars...)
	if err != nil {
		return nil, &Error{Msg: err.Error(), Line: 1, Col: 1}
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, c.problem(issues)
	}
	if err := c.readConstants(checked.NativeRep()); err != nil {
		return nil, err
	}
	if p.typ, err = c.resultType(checked.NativeRep()); err != nil {
		return nil, &Error{Msg: err.Error(), Line: 1, Col: 1}
	}
	if loops := depthOfLoops(checked.NativeRep().Expr()); loops > maxLoops {
		return nil, &Error{Msg: fmt.Sprintf("%d macros within each other; at most %d are possible", loops, maxLoops), Line: 1, Col: 1}
	}
	if p.program, err = env.Program(checked, c.programOptions()...); err != nil {
		return nil, &Error{Msg: err.Error(), Line: 1, Col: 1}
	}
	planner := &planner{compiler: c, env: env, checked: checked.NativeRep()}
	if p.root, err = planner.plan(checked.NativeRep().Expr()); err != nil {
		return nil, &Error{Msg: err.Error(), Line: 1, Col: 1}
	}
	origins := &originFinder{byVariable: c.byVariable, values: map[int]bool{}, conditions: map[int]bool{}}
	origins.visit(checked.NativeRep().Expr(), false, nil)
	p.values, p.conditions = origins.values, origins.conditions
	p.alone = NewGroup(p)
	known.put(programKey{c.src, c.calls}, p)
	return p, nil
}

// depthOfLoops is how many macros over lists or maps stand within each other.
func depthOfLoops(e ast.Expr) int {
	deepest := 0
	for _, child := range children(e) {
		deepest = max(deepest, depthOfLoops(child))
	}
	if e.Kind() == ast.ComprehensionKind {
		deepest++
	}
	return deepest
}
