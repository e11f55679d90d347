package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/internal/figures"
)

// Conservation is the name of the finding that every stage has: that the rows that came in
// are those that went out, were quarantined, or were left out by operators that may leave
// rows out. No rule of a user can have this name.
const Conservation = "conservation"

// leak is a place where the number of rows changed, and should not have.
type leak struct{ observed, expected, advice string }

// conservation gives the finding of a stage whose rows have all been counted.
func (a *account) conservation(rec StageRecord, files, quarantine []File) Finding {
	f := Finding{
		Name: Conservation, Kind: Conservation, Severity: Block, Verdict: Pass, DecidedBy: "counts", RowsTested: rec.RowsIn,
		Expected: "rows in = out + quarantined + filtered", Rule: "rows in = rows out + quarantined + filtered",
		Observed: fmt.Sprintf("%s in, %s out, %s quarantined, %s filtered",
			countRows(rec.RowsIn), figures.Count(rec.RowsOut), figures.Count(rec.RowsQuarantined), figures.Count(rec.RowsFiltered)),
	}
	a.apart(&f, rec)
	leaks := a.leaks(rec, files, quarantine)
	if len(leaks) == 0 {
		return f
	}
	f.Verdict, f.Detail = Fail, append([]string{f.Observed}, f.Detail...)
	f.Observed, f.Expected = leaks[0].observed, leaks[0].expected
	for _, l := range leaks[1:] {
		f.Detail = append(f.Detail, fmt.Sprintf("also: %s, %s expected", l.observed, l.expected))
	}
	f.Detail = append(f.Detail, leaks[0].advice)
	return f
}

// apart says of which operators the rows before and behind can't be compared.
func (a *account) apart(f *Finding, rec StageRecord) {
	var made, names []string
	in := rec.RowsIn
	for i, o := range a.operators {
		if o.rule == RowsOther {
			f.Detail = append(f.Detail, fmt.Sprintf("not comparable across %s: %s in, %s out", o.name(i), countRows(in), figures.Count(o.out)))
			name := OperatorRecord{Name: o.op.String()}.Short()
			made = append(made, fmt.Sprintf("%s made %s of %s; ", name, figures.Count(o.out), figures.Count(in)))
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		in = o.out
	}
	if made == nil {
		return
	}
	f.Observed = fmt.Sprintf("%s in; %s%s out, %s quarantined, %s filtered", countRows(rec.RowsIn),
		strings.Join(made, ""), figures.Count(rec.RowsOut), figures.Count(rec.RowsQuarantined), figures.Count(rec.RowsFiltered))
	f.Expected = fmt.Sprintf("each row accounted for, but by %s, which may change their number", strings.Join(names, " and "))
	f.Rule = f.Expected
}

// leaks are all places where rows were lost or doubled, upstream first.
func (a *account) leaks(rec StageRecord, files, quarantine []File) (all []leak) {
	for _, in := range a.inputs {
		all = append(all, in.leaks()...)
	}
	for _, in := range a.looked {
		all = append(all, in.leaks()...)
	}
	at := rec.RowsIn
	for i, o := range a.operators {
		all = append(all, o.leaks(o.name(i), at)...)
		at = o.out
	}
	const bug = "this is a bug in penstock; keep the input, and report it with the run's record"
	differ := func(got, want int64, observed, expected, advice string) {
		if got != want {
			all = append(all, leak{observed, expected, advice})
		}
	}
	put := rec.RowsQuarantined - rec.RowsKeptAside
	differ(rec.RowsOut+put, at,
		fmt.Sprintf("the gates took %s, let %s go on and put %s aside", countRows(at), figures.Count(rec.RowsOut), figures.Count(put)), "as many as they took", bug)
	if a.spooled != nil {
		differ(*a.spooled, rec.RowsOut, fmt.Sprintf("%s went to the stages that follow", countRows(*a.spooled)), figures.Count(rec.RowsOut), bug)
	}
	if files != nil {
		given := rowsIn(files)
		differ(given, rec.RowsOut, fmt.Sprintf("%s were written", countRows(given)), figures.Count(rec.RowsOut), bug)
	}
	aside := rowsIn(quarantine)
	differ(aside, rec.RowsQuarantined, fmt.Sprintf("%s were written to the quarantine", countRows(aside)), figures.Count(rec.RowsQuarantined), bug)
	for _, b := range a.readBack {
		all = append(all, b.leaks()...)
	}
	return all
}

func (f *inflow) leaks() (all []leak) {
	const advice = "the source was damaged or read wrongly; nothing may be built on it before it is known which"
	for _, odd := range f.odd {
		all = append(all, leak{"input " + f.name + ": " + odd, "as many", advice})
	}
	if more := f.odds - len(f.odd); more > 0 {
		all = append(all, leak{fmt.Sprintf("input %s: %s more splits gave another number of rows than they say", f.name, figures.Count(int64(more))), "as many", advice})
	}
	switch {
	case f.sent != nil && *f.sent != f.rows:
		all = append(all, leak{fmt.Sprintf("stage %s sent %s, and %s came", f.name, countRows(*f.sent), figures.Count(f.rows)), "as many", advice})
	case f.input != nil && f.odds == 0 && f.units == len(f.input.Splits) && f.input.complete():
		for i, file := range f.input.Files {
			if file.Rows >= 0 && file.Rows != f.files[i] {
				all = append(all, leak{fmt.Sprintf("input %s: %s was written with %s, and %s came", f.name, file.Path, countRows(file.Rows), figures.Count(f.files[i])), "as many", advice})
			}
		}
	}
	return all
}

// complete reports whether the splits give all rows of their files.
func (in *Input) complete() bool {
	for _, s := range in.Splits {
		if s.AtMost {
			return false
		}
	}
	return true
}

func (o *opflow) leaks(name string, in int64) (all []leak) {
	differ := func(expected, advice string) {
		all = append(all, leak{fmt.Sprintf("%s took %s and gave %s", name, countRows(in), figures.Count(o.out)), expected, advice})
	}
	switch {
	case o.rule == RowsSame && in != o.out:
		differ("as many", "an operator of your own that may change how many rows there are has to say so: pipeline.Bound.Rows, or operators.MapRows")
	case o.rule == RowsFewer && o.out > in:
		differ("at most as many", "an operator that leaves rows out made some; correct it, or let it say so with pipeline.Bound.Rows")
	}
	for _, sc := range o.scanned {
		all = append(all, sc.leaks(name)...)
	}
	for _, h := range o.handed {
		if want := *h.from; h.ended && h.rows != want {
			all = append(all, leak{fmt.Sprintf("%s was handed %s", name, countRows(h.rows)), figures.Count(want), "this is a bug in penstock; keep the input, and report it"})
		}
	}
	return all
}

func (b readBack) leaks() []leak {
	const advice = "the file is damaged, or what wrote it lost rows; nothing of it may be published"
	switch {
	case b.err != nil && b.sent > 0:
		return []leak{{fmt.Sprintf("%s can't be read back: %v", b.name, b.err), countRows(b.sent), advice}}
	case b.err == nil && b.says >= 0 && b.says != b.sent:
		return []leak{{fmt.Sprintf("%s has %s when it is read back", b.name, countRows(b.says)), figures.Count(b.sent), advice}}
	}
	return nil
}

func rowsIn(files []File) (n int64) {
	for _, f := range files {
		n += f.Rows
	}
	return n
}

func (o *opflow) name(i int) string {
	return fmt.Sprintf("operator %d (%s)", i+1, shortly(o.op.String()))
}

// countRows is a number of rows for people.
func countRows(n int64) string {
	return figures.Plural(n, "row", "rows")
}
