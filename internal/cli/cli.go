// Package cli is the command line of Penstock: it turns arguments into calls of
// package penstock, and records into text. Results go to stdout, everything else to
// stderr; the exit status tells a gate that blocked (1) from all else that went
// wrong (2).
package cli

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/penstock-data/penstock/pipeline"
)

// Exit statuses.
const (
	exitPassed  = 0   // all gates passed
	exitBlocked = 1   // the data was judged, and a person must look
	exitFailed  = 2   // anything else
	exitInt     = 130 // SIGINT
	exitTerm    = 143 // SIGTERM
)

// errBlocked ends a command whose data was judged and kept back. What there is to
// say has been said.
var errBlocked = errors.New("blocked")

// errReported ends a command that failed and has printed why.
var errReported = errors.New("failed")

// moreOutputs is the annotation of a command that names outputs that others don't have.
const moreOutputs = "outputs"

// app is what all commands share.
type app struct {
	stdout, stderr io.Writer
	args           []string
	signals        *interrupts

	dir       string
	output    string
	quiet     bool
	noColor   bool
	logFormat string
	signing   string // a file with the key

	nights nights
}

// Main runs the command line and returns the exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, in, stop := notified()
	defer stop()
	a := &app{stdout: stdout, stderr: stderr, args: args, signals: in}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return a.status(err, in.caught())
}

// status prints what the error has to say, and turns it into the exit status.
func (a *app) status(err error, s os.Signal) int {
	switch {
	case err == nil:
		return exitPassed
	case errors.Is(err, errBlocked):
		return exitBlocked
	case s != nil && pipeline.KindOf(err) == pipeline.Canceled || s != nil && errors.Is(err, errReported):
		name, code := "SIGINT", exitInt
		if s == syscall.SIGTERM {
			name, code = "SIGTERM", exitTerm
		}
		a.say("stopped by %s; what was staged is gone, what was published stays", name)
		return code
	case errors.Is(err, errReported):
		return exitFailed
	}
	a.complain(err)
	return exitFailed
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "penstock",
		Short:         "Batch data pipelines in which no bad partition gets past a gate",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.unknownCommand,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.settle(cmd)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.dir, "project", "C", "", "the project's root (default: where the pipeline file's penstock.yaml is, or else the file)")
	flags.StringVarP(&a.output, "output", "o", "text", "how results are printed: text, json, or jsonl (an object a line, as json has it too)")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress, no notes: results and errors only")
	flags.BoolVar(&a.noColor, "no-color", false, "no colour (also by $NO_COLOR)")
	flags.StringVar(&a.logFormat, "log-format", "text", "how progress is logged on stderr: text or json")
	flags.StringVar(&a.signing, "signing-key", "", "a `file` with the key that signs what is put on record (also by $PENSTOCK_SIGNING_KEY)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%v", err).With("see `" + cmd.CommandPath() + " --help`")
	})
	root.AddCommand(
		a.initCommand(), a.demoCommand(),
		a.validateCommand(), a.explainCommand(), a.profileCommand(), a.gateCommand(), a.planCommand(),
		a.runCommand(), a.backfillCommand(), a.retryCommand(),
		a.approveCommand(), a.quarantineCommand(), a.breaksCommand(),
		a.runsCommand(), a.showCommand(), a.lineageCommand(), a.traceCommand(), a.blameCommand(), a.diffCommand(), a.impactCommand(),
		a.rollbackCommand(), a.gcCommand(), a.auditCommand(), a.reproduceCommand(), a.verifyCommand(), a.rebuildCommand(),
		a.reconcileCommand(), a.openLineageCommand(), a.schemaCommand(), a.versionCommand(),
	)
	return root
}

// unknownCommand says of a word that is no command which one was meant.
func (a *app) unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return usage("%s", pipeline.Unknown("command", args[0], names)).With("`penstock help` tells what each does")
}

// settle takes flags that were not given from the environment, and checks them.
func (a *app) settle(cmd *cobra.Command) error {
	var errs pipeline.Errors
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" {
			return
		}
		name := "PENSTOCK_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := os.Getenv(name); v != "" {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				errs = append(errs, usage("%s=%q: %v", name, v, err))
			}
		}
	})
	outputs := append([]string{"text", "json", "jsonl"}, strings.Fields(cmd.Annotations[moreOutputs])...)
	switch {
	case !slices.Contains(outputs, a.output):
		errs = append(errs, usage("unknown output %q; known are %s", a.output, strings.Join(outputs, ", ")))
	case a.output == "jsonl":
		a.output = "json" // it is an object a line
	}
	if a.logFormat != "text" && a.logFormat != "json" {
		errs = append(errs, usage("unknown log format %q; known are text, json", a.logFormat))
	}
	if _, ok := os.LookupEnv("NO_COLOR"); ok {
		a.noColor = true
	}
	return errs.Err()
}

func usage(format string, args ...any) *pipeline.Error {
	return pipeline.Errorf(pipeline.Invalid, format, args...)
}

// examples are those of a command, one below the other.
func examples(cmd *cobra.Command) (all []string) {
	before := "for example: "
	for line := range strings.SplitSeq(strings.TrimSpace(cmd.Example), "\n") {
		all = append(all, before+strings.TrimSpace(line))
		before = strings.Repeat(" ", len(before))
	}
	return all
}

// arguments checks the number of arguments and says what was expected.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		found := plural(int64(len(args)), "argument", "arguments")
		if len(args) == 0 {
			found = "nothing"
		}
		return usage("%s takes %s, found %s", cmd.CommandPath(), what, found).With(examples(cmd)...)
	}
}
