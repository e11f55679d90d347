package cli

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/reconcile/breaks"
	"github.com/penstock-data/penstock/reconcile/words"
)

func (a *app) breaksShowCommand() *cobra.Command {
	var (
		at     ledgerFlags
		nights int
	)
	cmd := &cobra.Command{
		Use:   "show BREAK",
		Short: "Show what became of a break from night to night, and what was decided about it",
		Example: "  penstock breaks show 3f2a91\n" +
			"  penstock breaks show 3f2a91 --ledger warehouse/breaks -p 2026-11-02 -o json",
		Args: arguments(1, 1, "a break"),
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := at.open(a, cmd)
			if err != nil {
				return err
			}
			defer project.Close()
			h, err := project.ShowBreak(cmd.Context(), at.ledger, at.partition, args[0], nights)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(h)
			}
			a.showBreak(h)
			return nil
		},
	}
	at.add(cmd)
	cmd.Flags().IntVar(&nights, "nights", 0, "look back over at most so many partitions (default: 60)")
	return cmd
}

func (a *app) showBreak(h *penstock.BreakHistory) {
	b := &h.Break
	a.print("break %s of %s@%s: %s\n", b.ID, h.Ledger, h.Partition, b.State)
	width := len("accepted")
	for _, c := range b.Carried {
		width = max(width, utf8.RuneCountInString(oneLine(c.Column)))
	}
	say := func(what, text string) {
		if text != "" {
			a.print("  %-*s  %s\n", width, oneLine(what), oneLine(text))
		}
	}
	nth := ""
	if b.Nth > 1 {
		nth = fmt.Sprintf(" (the %d. of several)", b.Nth)
	}
	say("dataset", b.Dataset)
	say("key", b.Key+nth)
	for _, c := range b.Carried {
		say(c.Column, sideText(c.Value))
	}
	say("column", b.Column)
	say("cause", b.Cause+", "+b.Outcome)
	if b.Left != nil || b.Right != nil {
		say("left", sideText(b.Left))
		say("right", sideText(b.Right))
	}
	say("delta", shortDelta(b.Delta))
	say("opened", b.Opened)
	if b.Since != b.Opened {
		say("again", b.Since)
	}
	say("cleared", b.Cleared)
	age := ""
	if b.AgeDays != nil {
		age = ", " + plural(int64(*b.AgeDays), "day", "days")
	}
	say("age", plural(int64(b.Nights), "night", "nights")+age)
	say("owner", b.Owner)
	if b.State == words.Accepted {
		say("accepted", noteText(b))
	}
	a.print("\n%s", fitted(nightsTable(h.Nights), a.width()))
	if h.Earlier {
		a.say("there are earlier ones; --nights shows more")
	}
	if len(h.Decisions) > 0 {
		a.print("\n%s", fitted(decisionsTable(h.Decisions), a.width()))
	}
}

func nightsTable(all []penstock.BreakNight) string {
	rows := [][]string{{"PARTITION", "STATE", "LEFT", "RIGHT", "DELTA", "OWNER"}}
	for _, n := range all {
		rows = append(rows, []string{n.Partition, n.State, sideText(n.Left), sideText(n.Right), firstOf(shortDelta(n.Delta), "-"), firstOf(oneLine(n.Owner), "-")})
	}
	return table("llrrrl", rows)
}

func decisionsTable(all []breaks.Decision) string {
	rows := [][]string{{"FROM", "DECISION", "BY", "AT", "UNTIL", "REASON"}}
	for _, d := range all {
		what := d.Action
		if d.Action == breaks.Assign {
			what += " to " + d.Owner
		}
		rows = append(rows, []string{
			d.Partition, oneLine(what), oneLine(d.Actor), d.At.Local().Format(time.DateTime), firstOf(d.Until, "-"), firstOf(oneLine(d.Reason), "-"),
		})
	}
	return table("llllll", rows)
}

// decisions are the verbs, and what is said of them.
var decisions = map[string]struct{ short, long, example string }{
	breaks.Assign: {
		"Put on record who looks after a break",
		`Assigns a break to somebody, from a partition of its ledger on. Who it was assigned to last owns
it, also when it clears and opens again.`,
		`  penstock breaks assign 3f2a91 --owner ben` + "\n" +
			`  penstock breaks assign 3f2a91 --owner ben --reason "he knows the fees of this bank" -p 2026-11-02`,
	},
	breaks.Accept: {
		"Accept a break as it is, for a time or for good",
		`Accepts a break with just the values that the ledger has of it: with others it opens again, and
so it does when its time is over. That goes by partitions, never by the clock: --until is the last
day, or partition, for which it is accepted, --for counts days from the partition on.`,
		`  penstock breaks accept 3f2a91 --reason "a known fee"` + "\n" +
			`  penstock breaks accept 3f2a91 --reason "until the bank answers" --until 2026-12-31` + "\n" +
			`  penstock breaks accept 3f2a91 --reason "until the bank answers" --for 30d`,
	},
	breaks.Reopen: {
		"End that a break is accepted",
		`Ends that a break is accepted, from a partition of its ledger on: there it opens again.`,
		`  penstock breaks reopen 3f2a91 --reason "the bank paid the fee back"`,
	},
}

func (a *app) decideCommand(action string) *cobra.Command {
	var (
		at   ledgerFlags
		o    = penstock.DecideBreak{Action: action}
		days string
	)
	text := decisions[action]
	cmd := &cobra.Command{
		Use: action + " BREAK", Short: text.short, Example: text.example,
		Long: text.long + "\n\nThe ledger has it when it is made anew from there on, as `penstock plan` says.",
		Args: arguments(1, 1, "a break"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.Days, err = wholeDays("--for", days); err != nil {
				return err
			}
			project, err := at.open(a, cmd)
			if err != nil {
				return err
			}
			defer project.Close()
			done, err := project.DecideBreak(cmd.Context(), at.ledger, at.partition, args[0], o)
			if err != nil {
				return err
			}
			return a.decidedBreak(done)
		},
	}
	at.add(cmd)
	cmd.Flags().StringVar(&o.Reason, "reason", "", "why, for the record")
	switch action {
	case breaks.Assign:
		cmd.Flags().StringVar(&o.Owner, "owner", "", "`who` looks after it")
	case breaks.Accept:
		cmd.Flags().StringVar(&o.Until, "until", "", "the last `day`, or partition, for which it is accepted (default: for good)")
		cmd.Flags().StringVar(&days, "for", "", "for so many `days` from the partition on: 30d")
	}
	return cmd
}

func (a *app) decidedBreak(done *penstock.DecidedBreak) error {
	if a.output == "json" {
		return a.printJSON(done)
	}
	d := done.Decision
	a.print("%s\n", oneLine(d.Summary()))
	a.print("\tkey %s, %s; from %s@%s on; on record in %s\n", oneLine(d.Key), d.Cause, d.Dataset, d.Partition, done.File)
	a.print("\tthe ledger has it when it is made anew: `penstock plan FILE` says from where, `penstock backfill FILE` does it\n")
	return nil
}
