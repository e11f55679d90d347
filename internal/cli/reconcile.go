package cli

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
)

// comparing are the flags that say how two files are reconciled.
type comparing struct {
	keys, columns, ignored                []string
	tolerances, relatives, rounds, within []string
	numbers, dates, strips                []string
	amount                                string
	trim, fold, nullsEqual                bool
}

// reconcileCommand compares two files.
func (a *app) reconcileCommand() *cobra.Command {
	var (
		c      comparing
		files  nightFiles
		o      penstock.Options
		memory byteSize
		top    int
	)
	cmd := &cobra.Command{
		Use:   "reconcile LEFT RIGHT",
		Short: "Compare two files, row by row and to the cent",
		Long: `Compares two data files, or globs of them, of any formats that are told by their endings: rows of
equal keys find each other, and what differs, or is on one side alone, is told with its cause.
Columns of both sides that are no keys are compared, or those that are named. Nothing is kept; a
pipeline with the operators reconcile and breaks follows the breaks over the nights.

Exit status: 0 all matches, 1 there are breaks, 2 anything else.`,
		Example: "  penstock reconcile erp.csv bank.csv --key invoice=ref --strip invoice=^INV- --number invoice --date booked=02.01.2006\n" +
			"  penstock reconcile ledger.csv bank.parquet --key id --tolerance amount=0.01\n" +
			"  penstock reconcile ledger.csv bank.csv --key invoice=reference --column amount --column booked=value_date\n" +
			"  penstock reconcile old.parquet new.parquet --key id -o json",
		Args: arguments(2, 2, "two data files"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := files.check(a.output); err != nil {
				return err
			}
			for _, format := range []string{"csv", "xlsx"} {
				if files.to[slices.Index(pipeline.NightFormats, format)] != "" {
					return usage("--%s has every break, and of two files they are not kept", format).With("give them a pipeline with the operators reconcile and breaks")
				}
			}
			dir, err := os.Getwd()
			if err != nil {
				return err
			}
			p := a.newProgress()
			p.pipeline = "reconcile"
			o.Memory, o.Listener = int64(memory), quietly(p.listener())
			n, err := penstock.ReconcileFiles(cmd.Context(), penstock.Files{
				Dir: dir, Left: args[:1], Right: args[1:], Reconcile: c.options, Shown: top,
			}, o)
			p.end()
			if err != nil {
				return err
			}
			if err := a.writeNight(n, &files); err != nil {
				return err
			}
			if n.Attention {
				return errBlocked
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&c.keys, "key", "k", nil, "a `column` that names a row, or left=right; may be repeated")
	flags.StringArrayVar(&c.columns, "column", nil, "a `column` that is compared, or left=right; may be repeated (default: all that both sides have)")
	flags.StringArrayVar(&c.ignored, "ignore", nil, "a `column` that is not compared; may be repeated")
	flags.StringArrayVar(&c.tolerances, "tolerance", nil, "how far numbers may be apart, `amount=0.01`; may be repeated")
	flags.StringArrayVar(&c.relatives, "relative", nil, "how far they may be apart as a share of the greater, `fee=0.1%`; may be repeated")
	flags.StringArrayVar(&c.rounds, "round", nil, "to how many places numbers are rounded before, `rate=2`; may be repeated")
	flags.StringArrayVar(&c.within, "seconds", nil, "how far times may be apart, `booked=3600`; may be repeated")
	flags.StringArrayVar(&c.numbers, "number", nil, "a `column` or key of texts that are numbers, `amount`, or `amount=,` with a decimal comma; may be repeated")
	flags.StringArrayVar(&c.dates, "date", nil, "how dates are written in a text, as 2 January 2006 would be, `booked=02.01.2006`; may be repeated")
	flags.StringArrayVar(&c.strips, "strip", nil, "what is taken out of a text, a regular expression, `invoice=^INV-`; may be repeated")
	flags.StringVar(&c.amount, "amount", "", "the compared column whose totals are told (default: the first that is a number)")
	flags.BoolVar(&c.trim, "trim", false, "white space around texts does not count")
	flags.BoolVar(&c.fold, "ignore-case", false, "the case of texts does not count")
	flags.BoolVar(&c.nullsEqual, "nulls-equal", false, "a null in a key is a key like any other")
	flags.IntVar(&top, "top", 0, "how many breaks are named (default 20)")
	flags.IntVar(&o.Workers, "workers", 0, "units of work carried at once (default: one a processor)")
	flags.Var(&memory, "memory", "memory budget, like 2GiB (default: half of what the machine or control group has)")
	files.add(cmd)
	return cmd
}

// options are those of the operator, for two sides of these columns.
func (c *comparing) options(left, right *arrow.Schema) (reconcile.Options, error) {
	o := reconcile.Options{Amount: c.amount}
	if len(c.keys) == 0 {
		return o, usage("which columns name a row?").With("give --key: both sides have " + orNothing(common(left, right)))
	}
	used := map[string]bool{}
	for _, text := range c.keys {
		l, r := sides(text)
		used[l], used[r] = true, true
		o.Keys = append(o.Keys, reconcile.Key{Left: l, Right: r, NullsEqual: c.nullsEqual, Normal: c.normal(left, right, l, r)})
	}
	names := c.columns
	if len(names) == 0 {
		for _, name := range common(left, right) {
			if !used[name] && !slices.Contains(c.ignored, name) {
				names = append(names, name)
			}
		}
	}
	for _, text := range names {
		l, r := sides(text)
		o.Columns = append(o.Columns, reconcile.Column{Left: l, Right: r, Normal: c.normal(left, right, l, r)})
	}
	if err := c.rewrite(&o); err != nil {
		return o, err
	}
	return o, c.refine(o.Columns)
}

// rewrite says how keys and columns are written anew.
func (c *comparing) rewrite(o *reconcile.Options) error {
	var names []string
	of := map[string][]*reconcile.Normal{}
	add := func(name string, n *reconcile.Normal) {
		if of[name] == nil {
			names = append(names, name)
		}
		of[name] = append(of[name], n)
	}
	for i := range o.Keys {
		add(o.Keys[i].Left, &o.Keys[i].Normal)
	}
	for i := range o.Columns {
		add(o.Columns[i].Left, &o.Columns[i].Normal)
	}
	var errs pipeline.Errors
	for _, f := range []struct {
		flag  string
		all   []string
		value bool
		set   func(n *reconcile.Normal, value string)
	}{
		{"number", c.numbers, false, func(n *reconcile.Normal, v string) { n.Number, n.Decimal = true, v }},
		{"date", c.dates, true, func(n *reconcile.Normal, v string) { n.Date = v }},
		{"strip", c.strips, true, func(n *reconcile.Normal, v string) { n.Strip = v }},
	} {
		for _, text := range f.all {
			name, value, _ := strings.Cut(text, "=")
			switch {
			case f.value && value == "":
				errs = append(errs, usage("--%s %q: expected column=value", f.flag, text))
			case of[name] == nil:
				errs = append(errs, usage("--%s %s: %s", f.flag, text, pipeline.Unknown("key or compared column", name, names)))
			}
			for _, n := range of[name] {
				f.set(n, value)
			}
		}
	}
	return errs.Err()
}

// refine says how columns are compared.
func (c *comparing) refine(columns []reconcile.Column) error {
	var errs pipeline.Errors
	var known []string
	for _, col := range columns {
		known = append(known, col.Left)
	}
	for _, f := range []struct {
		flag string
		all  []string
		set  func(*reconcile.Column, string) error
	}{
		{"tolerance", c.tolerances, func(col *reconcile.Column, v string) error { col.Tolerance = v; return nil }},
		{"relative", c.relatives, func(col *reconcile.Column, v string) error { col.Relative = v; return nil }},
		{"round", c.rounds, func(col *reconcile.Column, v string) error {
			places, err := strconv.Atoi(v)
			col.Round = &places
			return err
		}},
		{"seconds", c.within, func(col *reconcile.Column, v string) (err error) {
			col.Seconds, err = strconv.ParseFloat(v, 64)
			return err
		}},
	} {
		for _, text := range f.all {
			name, value, ok := strings.Cut(text, "=")
			i := slices.Index(known, name)
			switch {
			case !ok || value == "":
				errs = append(errs, usage("--%s %q: expected column=value", f.flag, text))
			case i < 0:
				errs = append(errs, usage("--%s %s: %s", f.flag, text, pipeline.Unknown("compared column", name, known)))
			case f.set(&columns[i], value) != nil:
				errs = append(errs, usage("--%s %s: %q is no number", f.flag, text, value))
			}
		}
	}
	return errs.Err()
}

// normal is how texts are written anew; other columns stay as they are.
func (c *comparing) normal(left, right *arrow.Schema, l, r string) (n reconcile.Normal) {
	if !isText(left, l) || !isText(right, r) {
		return n
	}
	n.Trim = c.trim
	if c.fold {
		n.Case = "lower"
	}
	return n
}

func isText(s *arrow.Schema, name string) bool {
	f, ok := s.FieldsByName(name)
	if !ok || len(f) == 0 {
		return false
	}
	t := f[0].Type
	if d, ok := t.(*arrow.DictionaryType); ok {
		t = d.ValueType
	}
	return t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING || t.ID() == arrow.STRING_VIEW
}

// sides are the columns of "left=right", or of one name.
func sides(text string) (left, right string) {
	left, right, two := strings.Cut(text, "=")
	if !two {
		return text, text
	}
	return strings.TrimSpace(left), strings.TrimSpace(right)
}

// common are the columns that both sides have, in the order of the left.
func common(left, right *arrow.Schema) (all []string) {
	for _, f := range left.Fields() {
		if right.HasField(f.Name) {
			all = append(all, f.Name)
		}
	}
	return all
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "no column of one name; write left=right"
	}
	return strings.Join(names, ", ")
}
