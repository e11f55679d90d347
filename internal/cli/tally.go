package cli

import (
	"fmt"
	"strings"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// tally sums up a backfill, and names what a person must look at so that it can be pasted into
// the next command.
func (r *filling) tally(pl *pipeline.Pipeline, rec *penstock.BackfillRecord) {
	c := rec.Counts
	text := fmt.Sprintf("%d of %d partitions: %d published, %d unchanged, %d blocked, %d failed",
		c.Ended()-c.NotRun, c.Partitions, c.Published, c.Unchanged, c.Blocked, c.Failed)
	for _, more := range []struct {
		n    int
		what string
	}{
		{c.Cancelled, "cancelled"},
		{c.Awaiting, "still blocked"},
		{c.Partitions - c.ToRun - c.Awaiting, "not to run"},
		{c.NotRun, "had nothing left to run"},
		{c.Left, "left"},
		{c.Waiting, "waiting"},
		{c.Retries, "tried again"},
	} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	r.print("%s\n", text)
	r.name(pl, "blocked", rec.Blocked, c.Blocked, "penstock runs --backfill "+rec.ID+" --status blocked")
	r.name(pl, "still blocked", rec.Awaiting, c.Awaiting, "penstock runs --status blocked, and `penstock approve`, or `penstock retry --blocked` to judge again")
	r.name(pl, "failed", rec.Failed, c.Failed, "penstock retry "+rec.ID)
	r.name(pl, "waiting", rec.Waiting, c.Waiting, "")
	if c.Left+c.Cancelled > 0 {
		r.print("  the rest: penstock backfill --resume %s\n", rec.ID)
	}
}

// maxNames is how many names and ranges of partitions are printed.
const maxNames = 20

// name prints the names of partitions of a sort, of which there are n, and what to do next.
func (r *filling) name(pl *pipeline.Pipeline, sort string, names []string, n int, next string) {
	if n == 0 {
		return
	}
	parts, err := partitionsOf(pl, names)
	if err == nil {
		names = penstock.Names(penstock.InOrder(parts))
	}
	more := ""
	if len(names) > maxNames {
		names, more = names[:maxNames], " …"
	}
	flags := "--partition " + strings.Join(names, " --partition ") + more
	if pl.Partitions.By == pipeline.Whole {
		flags = "all"
	}
	r.print("  %s: %s\n", sort, flags)
	if next != "" {
		r.print("    see: %s\n", next)
	}
}
