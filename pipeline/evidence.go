package pipeline

import (
	"context"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
)

// evidence is what is known of the rows of a split. A nil evidence knows nothing.
type evidence struct {
	ctx    context.Context
	env    *Env
	split  *Split
	in     *arrow.Schema
	rows   int64 // -1 once some may have been left out
	facts  *sync.Mutex
	byDict map[string]Facts
}

func (f *fragment) evidenceOf(ctx context.Context, w *work) *evidence {
	if !w.counted() || f.env.ForceScan {
		return nil
	}
	return &evidence{ctx: ctx, env: f.env, split: w.split, in: f.schema, rows: w.split.Rows, facts: &f.factsOnce, byDict: map[string]Facts{}}
}

// loses says that from here on some of the rows may be gone.
func (e *evidence) loses() {
	if e != nil {
		e.rows = -1
	}
}

// of gives the facts of a column; what is known of all rows may be weaker of some.
func (e *evidence) of(c columns, column int, facts func(string) Facts) (k Facts) {
	origin := c.origin[column]
	if origin < 0 {
		return Facts{}
	}
	defer func() {
		if recover() != nil {
			k = Facts{} // a source that fails to say proves nothing
		}
	}()
	k = facts(e.in.Field(origin).Name)
	if e.rows < 0 {
		k.MinIs, k.MaxIs = false, false
		if k.Nulls != 0 {
			k.Nulls, k.HasNulls = 0, false
		}
	}
	return k
}

// footer gives what the split knows without reading. Its facts are asked for by one
// goroutine at a time.
func (e *evidence) footer(c columns) func(int) Facts {
	return func(column int) Facts {
		e.facts.Lock()
		defer e.facts.Unlock()
		return e.of(c, column, e.split.Facts)
	}
}

func (e *evidence) proves(b *Bound, c columns) (none, all, safe bool) {
	if e == nil || b.Proves == nil {
		return false, false, false
	}
	return b.Proves(e.rows, e.footer(c))
}

// pagesFor marks the rows that lie in parts of which an operator may want some; nil where
// it may want some of every part.
func (e *evidence) pagesFor(b *Bound, c columns) []bool {
	if e == nil || e.rows < 0 || b.Proves == nil || e.split.OpenSome == nil {
		return nil
	}
	var reads []int
	for _, col := range b.Reads {
		reads = append(reads, col.Index)
	}
	parts, _ := e.pages(c)(reads)
	var rows []bool
	some := false
	for _, p := range parts {
		none, _, _ := b.Proves(p.Rows, p.Facts)
		some = some || none
		rows = append(rows, slices.Repeat([]bool{!none}, int(p.Rows))...)
	}
	if !some {
		return nil
	}
	return rows
}

// pages gives the parts of the split; none where a column is computed, or where the parts
// do not add up to the split.
func (e *evidence) pages(c columns) func([]int) ([]KnownPart, int64) {
	return func(wanted []int) (parts []KnownPart, read int64) {
		defer func() {
			if recover() != nil {
				parts = nil
			}
		}()
		var names []string
		for _, column := range wanted {
			if c.origin[column] < 0 {
				return nil, 0
			}
			names = append(names, e.in.Field(c.origin[column]).Name)
		}
		if e.split.Pages == nil || len(names) == 0 {
			return nil, 0
		}
		found, read, err := e.split.Pages(names)
		if err != nil {
			return nil, read // the scan will say what is wrong
		}
		var rows int64
		for _, p := range found {
			rows += p.Rows
			parts = append(parts, KnownPart{Rows: p.Rows, Facts: func(column int) Facts { return e.of(c, column, p.Facts) }})
		}
		if rows != e.rows {
			return nil, read
		}
		return parts, read
	}
}

// known is the evidence as a judge is given it.
func (e *evidence) known(c columns, parts bool) *Known {
	k := &Known{Rows: e.rows, Facts: e.footer(c), ByDictionary: e.dictionary(c)}
	if parts && e.rows >= 0 && e.split.OpenSome != nil {
		k.Pages = e.pages(c)
	}
	k.Bytes = func(column int) int64 {
		if c.origin[column] < 0 || e.split.ColumnBytes == nil {
			return 0
		}
		return e.split.ColumnBytes(e.in.Field(c.origin[column]).Name)
	}
	return k
}

func (e *evidence) dictionary(c columns) func(int) (Facts, int64) {
	return func(column int) (f Facts, read int64) {
		f = e.of(c, column, func(name string) Facts {
			if known, asked := e.byDict[name]; asked {
				return known
			}
			var found Facts
			if e.split.Dictionary != nil {
				var err error
				if found, read, err = e.split.Dictionary(e.ctx, e.env, name); err != nil {
					found = Facts{}
				}
			}
			e.byDict[name] = found
			return found
		})
		return f, read
	}
}
