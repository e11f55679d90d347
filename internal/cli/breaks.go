package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/reconcile/breaks"
	"github.com/penstock-data/penstock/reconcile/words"
)

func (a *app) breaksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "breaks",
		Short: "List, show, report and decide upon the breaks of a reconciliation",
		Long: `Lists the breaks that a ledger has, shows what became of one from night to night, and puts on
record what is decided about it: who it is assigned to, that it is accepted as it is, for how
long and why, or that it is accepted no more. A break is named by its id, or by as many of its
digits as no other break has. A decision holds from a partition on, the newest if no other is
named; the ledger has it when it is made anew from there on, as ` + "`penstock plan`" + ` says.`,
		Example: "  penstock breaks ls --state new --state reopened\n" +
			"  penstock breaks show 3f2a91\n" +
			"  penstock breaks assign 3f2a91 --owner ben\n" +
			`  penstock breaks accept 3f2a91 --reason "a known fee" --for 30d` + "\n" +
			`  penstock breaks reopen 3f2a91 --reason "the bank paid the fee back"`,
		Args: a.unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.breaksListCommand(), a.breaksShowCommand(), a.breaksReportCommand(),
		a.decideCommand(breaks.Assign), a.decideCommand(breaks.Accept), a.decideCommand(breaks.Reopen),
	)
	return cmd
}

// ledgerFlags say where breaks are looked for.
type ledgerFlags struct{ ledger, partition string }

func (f *ledgerFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.ledger, "ledger", "", "the `dataset` of the ledger (default: the only one of the project)")
	cmd.Flags().StringVarP(&f.partition, "partition", "p", "", "the partition, like 2026-11-02 (default: the newest that is published)")
}

// open opens the project, and takes what a reference to the ledger says of the partition.
func (f *ledgerFlags) open(a *app, cmd *cobra.Command) (*penstock.Project, error) {
	project, err := a.open(cmd.Context())
	if err != nil || f.ledger == "" {
		return project, err
	}
	r, err := parseRef(f.ledger)
	if err == nil && r.partition != "" && f.partition != "" && r.partition != f.partition {
		err = usage("%s and --partition %s name two partitions", f.ledger, f.partition)
	}
	if err != nil {
		_ = project.Close()
		return nil, err
	}
	r = r.below(project.Dir())
	f.ledger, f.partition = r.dataset, firstOf(f.partition, r.partition)
	return project, nil
}

func (a *app) breaksListCommand() *cobra.Command {
	var (
		at    ledgerFlags
		f     penstock.BreakFilter
		older string
		limit int
		all   bool
	)
	cmd := &cobra.Command{
		Use:   "ls [LEDGER[@PARTITION]]",
		Short: "List the breaks of a ledger",
		Long: `Lists the breaks that a ledger has in a partition, those with the greatest deltas first. The
states are new, open, changed, reopened, accepted and cleared. Of those that cleared only what did
so in this partition is listed, unless --state cleared or --all is given.`,
		Example: "  penstock breaks ls\n" +
			"  penstock breaks ls warehouse/breaks@2026-11-02 --state new --cause missing\n" +
			"  penstock breaks ls --older-than 30d --owner ben\n" +
			`  penstock breaks ls --where "delta > 100.0 && account.startsWith('4')" -o jsonl`,
		Args: arguments(0, 1, "a ledger or nothing"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				at.ledger = args[0]
			}
			var err error
			if f.OlderThan, err = wholeDays("--older-than", older); err != nil {
				return err
			}
			f.Present = !all && !slices.Contains(f.States, words.Cleared)
			project, err := at.open(a, cmd)
			if err != nil {
				return err
			}
			defer project.Close()
			found, err := project.Breaks(cmd.Context(), at.ledger, at.partition, f)
			if err != nil {
				return err
			}
			return a.listBreaks(found, limit, &f)
		},
	}
	cmd.Flags().StringVarP(&at.partition, "partition", "p", "", "the partition, like 2026-11-02 (default: the newest that is published)")
	cmd.Flags().StringArrayVar(&f.States, "state", nil, "only breaks in this `state`; may be repeated")
	cmd.Flags().StringArrayVar(&f.Causes, "cause", nil, "only breaks with this `cause`; may be repeated")
	cmd.Flags().StringVar(&older, "older-than", "", "only breaks that opened more than so many `days` before the partition: 30d")
	cmd.Flags().StringVar(&f.Owner, "owner", "", "only breaks that are assigned to somebody")
	cmd.Flags().StringVar(&f.Where, "where", "", "only breaks for which a predicate in `CEL` is true, over the columns of the ledger")
	cmd.Flags().BoolVar(&all, "all", false, "also breaks that cleared before the partition")
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so many (default: 50 as text, all as json)")
	return cmd
}

// shownBreaks is how many breaks are listed as text if nothing else is asked for.
const shownBreaks = 50

func (a *app) listBreaks(found *penstock.Breaks, limit int, f *penstock.BreakFilter) error {
	shown := found.Breaks
	if limit == 0 && a.output != "json" {
		limit = shownBreaks
	}
	if limit > 0 {
		shown = shown[:min(limit, len(shown))]
	}
	if a.output == "json" {
		for _, b := range shown {
			if err := a.printJSON(breakJSON{found.Ledger, found.Partition, b}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(shown) > 0 {
		a.print("%s", fitted(breaksTable(shown, found.Digits, a.width()), a.width()))
	}
	all, past := found.All, ""
	if f.Present {
		all -= found.Past
	}
	if f.Present && found.Past > 0 && len(f.States) == 0 {
		past = fmt.Sprintf("; %s that cleared before: --all", count(int64(found.Past)))
	}
	a.say("%s of %s@%s, %s open; %s shown%s", plural(int64(all), "break", "breaks"), found.Ledger, found.Partition, count(int64(found.Open)),
		shownOf(len(shown), len(found.Breaks), all), past)
	return nil
}

// shownOf says how many of those that were found are shown.
func shownOf(shown, found, all int) string {
	switch {
	case shown < found:
		return fmt.Sprintf("the first %s of %s", count(int64(shown)), count(int64(found)))
	case found < all:
		return count(int64(found))
	case all == 0:
		return "none"
	}
	return "all"
}

type breakJSON struct {
	Ledger    string `json:"ledger"`
	Partition string `json:"partition"`
	penstock.Break
}

// minDigits is how many digits of ids are shown at least.
const minDigits = 6

// minCell is how many letters of a key or a value are shown at least.
const minCell = 16

// breaksTable has keys and values whole, but for a terminal of some width, where one that is long
// would push all else out of sight.
func breaksTable(all []penstock.Break, digits, width int) string {
	cell := func(s string) string {
		if width == 0 {
			return s
		}
		return fitted(s, max(width/6, minCell))
	}
	rows := [][]string{{"BREAK", "STATE", "KEY", "COLUMN", "CAUSE", "LEFT", "RIGHT", "DELTA", "AGE", "OPENED", "OWNER", "NOTE"}}
	for _, b := range all {
		rows = append(rows, []string{
			b.ID[:min(max(digits, minDigits), len(b.ID))], b.State, cell(oneLine(b.Key)), firstOf(oneLine(b.Column), "-"), b.Cause,
			cell(sideText(b.Left)), cell(sideText(b.Right)), firstOf(shortDelta(b.Delta), "-"), ageText(&b), b.Opened, firstOf(oneLine(b.Owner), "-"), noteText(&b),
		})
	}
	return table("lllllrrrrlll", rows)
}

// shortDelta is a delta without the zeros at its end that cents don't have; -o json has all.
func shortDelta(text string) string {
	whole, fraction, ok := strings.Cut(text, ".")
	for ok && len(fraction) > 2 && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if !ok {
		return whole
	}
	return whole + "." + fraction
}

func sideText(s *string) string {
	if s == nil {
		return "-"
	}
	return oneLine(*s)
}

func ageText(b *penstock.Break) string {
	if b.AgeDays == nil {
		return strconv.Itoa(b.Nights) + "x"
	}
	return strconv.Itoa(*b.AgeDays) + "d"
}

// noteText says what else is to be known of a break in its state.
func noteText(b *penstock.Break) string {
	switch {
	case b.State == words.Accepted:
		until := ""
		if b.AcceptedUntil != "" {
			until = " until " + b.AcceptedUntil
		}
		return oneLine(fmt.Sprintf("by %s%s: %s", b.AcceptedBy, until, b.Reason))
	case b.State == words.Cleared:
		return "cleared " + b.Cleared
	case b.State == words.Changed && b.BeforeDelta != "":
		return "was " + shortDelta(b.BeforeDelta)
	}
	return oneLine(b.Reason)
}

// wholeDays reads a number of days, "30d" or "30".
func wholeDays(flag, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "d"))
	if err != nil || n < 1 || n > maxDays {
		return 0, usage("%s %q is no number of days", flag, text).With("write it like 30d")
	}
	return n, nil
}
