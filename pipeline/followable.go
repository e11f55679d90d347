package pipeline

import (
	"fmt"
	"strings"
)

// followable is an error for each thing that keeps rows from being followed, where a stage
// asks for it.
func (p *Plan) followable() (errs Errors) {
	for _, s := range p.Stages {
		if !s.followed {
			continue
		}
		for _, schema := range s.In {
			for _, f := range schema.Fields() {
				if strings.HasPrefix(f.Name, placePrefix) {
					errs = append(errs, s.notFollowed(s.At, fmt.Sprintf("column %q has a name that lineage keeps for itself", f.Name),
						"rename the column before, or leave out `lineage: rows`"))
				}
			}
		}
		for i, b := range s.Bounds {
			why := b.opaque()
			if why == "" {
				continue
			}
			errs = append(errs, s.notFollowed(s.operatorAt(i), shortly(s.Operators[i].String())+": "+why,
				"use filter, derive, dedupe, sort, join, union or aggregate here; or give what comes before an output of its own with `lineage: rows`, "+
					"and leave it out here"))
		}
	}
	return errs
}

// opaque says why an operator does not tell which rows its rows come from; empty where it does.
func (b *Bound) opaque() string {
	if b.Follows != nil {
		b.Follows()
		b.Follows = nil
	}
	switch {
	case b.Scan != nil && b.Opaque == "":
		return "it reads its inputs in any order, and does not say which of its rows come from which"
	case b.Scan != nil:
		return b.Opaque
	case b.Keep != nil, b.Each != nil && b.Same != nil, b.Carry != nil, b.Gather != nil:
		return ""
	case b.Opaque != "":
		return b.Opaque
	}
	return "it does not say which of its rows come from which"
}

func (s *StagePlan) notFollowed(at Pos, why, wayOut string) *Error {
	asks := "`lineage: rows`"
	if s.Lineage != RowDepth {
		asks += ", for which a later stage asks,"
	}
	return &Error{Kind: Invalid, At: at, Stage: s.Name, Msg: asks + " can't be exact: " + why, Evidence: []string{wayOut}}
}
