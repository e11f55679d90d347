package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/lineage/openlineage"
)

// openLineage is where runs are told of; nil where nobody says so. A config that can't be read
// stops no run: it may be that of another program on this machine.
func (a *app) openLineage() *openlineage.Config {
	c, err := a.openLineageConfig()
	if err != nil {
		fmt.Fprintf(a.stderr, "%s\n\t%s\n", err, "the run goes on without it; `penstock openlineage status` checks it, OPENLINEAGE_DISABLED=true turns it off")
	}
	return c
}

// openLineageConfig is the same for commands that are for nothing else. Beside an error there may
// be a config that does without what is wrong.
func (a *app) openLineageConfig() (*openlineage.Config, error) {
	c, err := config.OpenLineage(os.Environ(), a.stderr, faults.SystemClock().Now)
	if c != nil {
		c.Warn = func(text string) { a.say("%s", text) }
	}
	return c, err
}

func (a *app) openLineageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "openlineage",
		Short: "What OpenLineage is told of runs",
		Long: `Where OPENLINEAGE_URL is set, or openlineage.yml names a transport, each run is told of by
events of OpenLineage, as its official clients do. What did not arrive waits in the outbox,
.penstock/outbox: these commands tell what waits, send it, and print the events of a run.`,
		Example: "  penstock openlineage status\n  penstock openlineage flush\n  penstock openlineage emit 20261124T092402-4f2a9c",
		Args:    a.unknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.openLineageStatus(), a.openLineageFlush(), a.openLineageEmit())
	return cmd
}

func (a *app) openLineageStatus() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "What waits to be told, and what was refused",
		Long: `Lists the runs that wait to be told of, and those that a server refused; then checks where
events go.

Exit status: 0 it is known where events go, or nobody asks for any; 2 the config is wrong.`,
		Example: "  penstock openlineage status",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer project.Close()
			o, err := project.Outbox()
			if err != nil {
				return err
			}
			if err := a.outbox(o); err != nil {
				return err
			}
			_, err = a.openLineageConfig()
			return err
		},
	}
}

// maxListed bounds how many runs are listed that wait.
const maxListed = 20

func (a *app) outbox(o *penstock.Outbox) error {
	if a.output == "json" {
		return a.printJSON(o)
	}
	a.print("%s to be told of\n", plural(int64(len(o.Waiting)), "run waits", "runs wait"))
	for i, run := range o.Waiting {
		if i == maxListed {
			a.print("  and %d more\n", len(o.Waiting)-i)
			break
		}
		a.print("  %s\n", run)
	}
	if len(o.Refused) > 0 {
		a.print("%s refused; `penstock openlineage flush --again` sends them once more\n", plural(int64(len(o.Refused)), "run was", "runs were"))
	}
	for _, r := range o.Refused {
		a.print("  %s by %s: HTTP status %d: %s\n", r.Run, r.Transport, r.Status, oneLine(r.Reason))
	}
	return nil
}

func (a *app) openLineageFlush() *cobra.Command {
	var again bool
	cmd := &cobra.Command{
		Use:   "flush",
		Short: "Send what waits to be told",
		Long: `Sends what waits in the outbox, and waits for it. With --again what a server refused is sent
once more.

Exit status: 0 nothing is left, 2 something is.`,
		Example: "  penstock openlineage flush\n  penstock openlineage flush --again",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.flush(cmd, again)
		},
	}
	cmd.Flags().BoolVar(&again, "again", false, "send what a server refused once more")
	return cmd
}

// flush sends what waits, and the runs that are given once more.
func (a *app) flush(cmd *cobra.Command, again bool, runs ...string) error {
	tell, err := a.openLineageConfig()
	if err != nil {
		return err
	}
	project, err := a.openWith(cmd.Context(), penstock.Options{OpenLineage: tell})
	if err != nil {
		return err
	}
	defer project.Close()
	all, err := project.FlushOpenLineage(cmd.Context(), again, runs...)
	if err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(all)
	}
	left := false
	for _, d := range all {
		left = left || d.Left+d.Refused > 0
		if a.output != "json" {
			a.delivered(d)
		}
	}
	if err == nil && left {
		err = errReported
	}
	return err
}

func (a *app) delivered(d openlineage.Delivery) {
	a.print("%s: %s told of", d.Transport, plural(int64(d.Sent), "run", "runs"))
	if d.Left > 0 {
		a.print(", %d left: %s", d.Left, oneLine(firstOf(d.Error, "stopped")))
	}
	if d.Refused > 0 {
		a.print(", %d refused; `penstock openlineage status` says why", d.Refused)
	}
	a.print("\n")
}

func (a *app) openLineageEmit() *cobra.Command {
	var send bool
	cmd := &cobra.Command{
		Use:   "emit RUN...",
		Short: "Print the events of runs, or send them once more",
		Long: `Prints the events of runs or backfills, as they stand on record, an object a line. With --send
they are sent to where OpenLineage is told: so a server learns of what ran before it was there.

Exit status: 0 done, 2 anything else.`,
		Example: "  penstock openlineage emit 20261124T092402-4f2a9c\n  penstock openlineage emit --send 20261124T092402-4f2a9c",
		Args:    arguments(1, 1000, "runs, as `penstock runs` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if send {
				return a.flush(cmd, false, args...)
			}
			return a.emit(cmd, args)
		},
	}
	cmd.Flags().BoolVar(&send, "send", false, "send the events, instead of printing them")
	return cmd
}

func (a *app) emit(cmd *cobra.Command, runs []string) error {
	project, err := a.open(cmd.Context())
	if err != nil {
		return err
	}
	defer project.Close()
	out := json.NewEncoder(a.stdout)
	out.SetEscapeHTML(false)
	for _, run := range runs {
		events, err := project.RunEvents(cmd.Context(), run, firstOf(os.Getenv("OPENLINEAGE_NAMESPACE"), "default"))
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := out.Encode(e); err != nil {
				return err
			}
		}
	}
	return nil
}
