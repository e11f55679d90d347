package expr

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The bounds of an evaluation. A row on which one is passed is an error; where the time
// or the size of a whole batch is, the evaluation is.
const (
	maxTime  = time.Second // for a batch
	maxValue = 16 << 20    // bytes of a text that an expression makes
	maxTexts = 256 << 20   // bytes of all texts that an expression makes of a batch
)

var (
	errTooLong = fmt.Errorf("the result would be longer than %d MiB", maxValue>>20)
	errTooMuch = fmt.Errorf("the expression makes more than %d MiB of one batch", maxTexts>>20)
	errTooSlow = fmt.Errorf("the expression takes longer than %v for one batch", maxTime)
)

// Group is programs over one schema that are evaluated together: what they have in
// common is evaluated once. It is safe for concurrent use.
type Group struct {
	programs []*Program
	roots    []*node   // of the programs
	nodes    []*node   // all, each once
	scopes   sync.Pool // *scope
}

// NewGroup makes a group of programs, which were compiled against the same schema. It
// panics if they were not.
func NewGroup(programs ...*Program) *Group {
	g := &Group{programs: programs}
	known := map[string]*node{}
	for _, p := range programs {
		if !p.schema.Equal(programs[0].schema) {
			panic("programs of different schemas in one group")
		}
		g.roots = append(g.roots, g.add(p.root, known))
	}
	g.scopes.New = func() any { return newScope(g) }
	return g
}

// add gives the group's own node for a subexpression.
func (g *Group) add(n *node, known map[string]*node) *node {
	if mine := known[n.key]; mine != nil {
		return mine
	}
	mine := *n
	mine.args = make([]*node, len(n.args))
	for i, arg := range n.args {
		mine.args[i] = g.add(arg, known)
	}
	mine.id = len(g.nodes)
	g.nodes = append(g.nodes, &mine)
	known[n.key] = &mine
	return &mine
}

// Eval evaluates every program on every row of a batch of the schema they were compiled
// against, and gives a result each, in their order. The caller releases the results.
// It takes at most a second a program, and the time of one value; a batch that would take
// longer is an error, as is one of which too much text would be made.
func (g *Group) Eval(ctx context.Context, batch arrow.RecordBatch, alloc memory.Allocator) (results []*Result, err error) {
	if alloc == nil {
		alloc = memory.DefaultAllocator
	}
	limited, cancel := context.WithTimeoutCause(ctx, time.Duration(len(g.roots))*maxTime, errTooSlow)
	defer cancel()
	s := g.scopes.Get().(*scope)
	defer g.scopes.Put(s)
	defer s.open(limited, batch)()
	outs := make([]*output, len(g.roots))
	for i, p := range g.programs {
		if !p.handsOn() {
			outs[i] = newOutput(p, int(batch.NumRows()), alloc)
			defer outs[i].release()
		}
	}
	for s.next() {
		for i, root := range g.roots {
			if outs[i] == nil {
				continue
			}
			v, err := s.eval(root, nil)
			if err != nil {
				return nil, err
			}
			outs[i].take(v, s.from, s.n)
		}
		if err := s.stopped(); err != nil {
			return nil, err
		}
	}
	for i, o := range outs {
		if o != nil {
			results = append(results, o.finish())
			continue
		}
		column := batch.Column(g.roots[i].column)
		column.Retain()
		results = append(results, &Result{Values: column})
	}
	return results, nil
}

// handsOn reports whether a program is nothing but a column that can be its result: it
// is of its type, and every value is one that expressions can read. Bools are not, for
// results promise zeros under nulls, which those who count bits rely on.
func (p *Program) handsOn() bool {
	_, isColumn := p.root.op.(columnOp)
	switch p.typ.ID() {
	case arrow.TIMESTAMP, arrow.DURATION, arrow.BOOL:
		return false
	}
	return isColumn && arrow.TypeEqual(p.schema.Field(p.root.column).Type, p.typ)
}
