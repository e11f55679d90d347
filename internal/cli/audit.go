package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/lineage/audit"
)

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "Prove who ran what, when, with which data",
		Example: "  penstock audit verify\n  penstock audit report --from 2026-11-01 -o html > november.html",
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args:    a.unknownCommand,
	}
	cmd.AddCommand(a.auditVerifyCommand(), a.auditReportCommand(), a.auditKeygenCommand())
	return cmd
}

// auditFlags are those that say what an auditor knows already.
type auditFlags struct {
	head   string
	keys   []string
	signed bool
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the chains of the record, and every file they stand for",
		Long: `Reads the chain of the project and those of its datasets, and compares each manifest, each
file of each version, each record of a run and each approval with the entry that stands for it.
It names the first thing that doesn't hold; --all names all.

It prints where the project's chain ends. Who keeps that elsewhere, and gives it to a later
verify with --head, finds whatever was changed before it, also by somebody who could write to
every file of the project. It only reads: a copy that can't be written to is verified as well.

Exit status: 0 everything holds, 1 something does not.`,
		Example: "  penstock audit verify\n  penstock audit verify --head 12:9f3a… --key auditors.pem",
		Args:    arguments(0, 0, "no arguments"),
	}
	var all bool
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.auditVerify(cmd, f, all) }
	f.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "name everything that doesn't hold, not only the first")
	return cmd
}

func (f *auditFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.head, "head", "", "what verify printed another time, `SEQ:SHA256`: it must still be in the chain")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "a PEM `file` with public keys: entries must be signed by one of them, from the first signed one on; may be repeated")
	cmd.Flags().BoolVar(&f.signed, "signed", false, "demand that, with the keys that penstock.yaml names")
}

func (f *auditFlags) options() (o audit.Options, err error) {
	if f.head != "" {
		seq, sum, _ := strings.Cut(f.head, ":")
		if o.Head.Seq, err = strconv.ParseInt(seq, 10, 64); err != nil || len(sum) != 64 || o.Head.Seq < 1 {
			return o, usage("--head %q is not what `penstock audit verify` prints", f.head).With("it is a number, a colon and 64 hex digits")
		}
		o.Head.Sum = sum
	}
	for _, name := range f.keys {
		keys, err := audit.ReadPublic(name)
		if err != nil {
			return o, usage("--key: %v", err)
		}
		o.Keys = append(o.Keys, keys...)
	}
	o.Signed = f.signed
	return o, nil
}

// audited is the directory of the project, and what it demands of the record. It is not opened:
// that would write to what is to be looked at.
func (a *app) audited() (string, penstock.Options, error) {
	dir, err := a.projectDir()
	if err != nil {
		return "", penstock.Options{}, err
	}
	s, err := config.LoadSettings(dir)
	if err != nil {
		return "", penstock.Options{}, err
	}
	return dir, penstock.Options{AuditSigned: s.AuditSigned, AuditKeys: s.AuditKeys}, nil
}

func (a *app) auditVerify(cmd *cobra.Command, f auditFlags, all bool) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	dir, demands, err := a.audited()
	if err != nil {
		return err
	}
	r, err := penstock.VerifyAudit(cmd.Context(), dir, demands, o)
	if err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(r)
	} else {
		a.showAudit(r, all)
	}
	if err == nil && !r.Holds() {
		err = errBlocked
	}
	return err
}

func (a *app) showAudit(r *audit.Report, all bool) {
	for i, p := range r.Problems {
		if i > 0 && !all {
			a.print("and %s (--all names them)\n", plural(int64(len(r.Problems)-1), "thing more that doesn't hold", "things more that don't hold"))
			break
		}
		a.print("%s\n", oneLine(p.String()))
	}
	var entries, late, adopted int64
	for _, c := range r.Chains {
		entries, late, adopted = entries+c.Entries, late+c.Late, adopted+c.Adopted
	}
	verdict := "everything holds"
	if !r.Holds() {
		verdict = "the record does not hold"
	}
	a.print("%s in %s, %s, %s, %s, %s bytes: %s\n",
		plural(entries, "entry", "entries"), plural(int64(len(r.Chains)), "chain", "chains"), plural(int64(r.Runs), "run", "runs"),
		plural(int64(r.Versions), "version", "versions"), plural(int64(r.Files), "file", "files"), count(r.Bytes), verdict)
	a.showSigned(r)
	if adopted > 0 {
		a.print("%s there before the chains began: of the time before that nothing is proven\n", plural(adopted, "thing was", "things were"))
		if r.Checked {
			a.print("  signatures don't help: who takes all chains away has the next run begin others, signed; compare with a head that you kept (--head)\n")
		}
	}
	if late > 0 {
		a.print("%s added late, for a process had died, or could not write to the record\n", plural(late, "entry was", "entries were"))
	}
	if r.Removed > 0 {
		a.print("%s removed, on record\n", plural(int64(r.Removed), "version was", "versions were"))
	}
	for _, n := range r.Notes {
		a.print("%s\n", oneLine(n))
	}
	if h := r.Head(); h.Seq > 0 {
		a.print("head %s\n", h)
	}
}

// showSigned says how much is signed, and by whom.
func (a *app) showSigned(r *audit.Report) {
	var entries, signed int64
	var keys []string
	for _, c := range r.Chains {
		entries, signed = entries+c.Entries, signed+c.Signed
		keys = append(keys, c.Keys...)
	}
	if signed == 0 && !r.Checked {
		return
	}
	slices.Sort(keys)
	by, checked := "", "no key was given to check them with (--key)"
	if signed > 0 {
		by = ", by key " + strings.Join(slices.Compact(keys), ", ")
	}
	if r.Checked {
		checked = "checked with the keys given"
	}
	a.print("%d of %s signed%s: %s\n", signed, plural(entries, "entry is", "entries are"), by, checked)
}
