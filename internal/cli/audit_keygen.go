package cli

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-data/penstock/lineage/audit"
)

func (a *app) auditKeygenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keygen FILE",
		Short: "Make a key that signs the record",
		Long: `Makes an Ed25519 key: FILE has the private half, which only its owner can read, FILE.pub the
public one, which is given to those who verify; of key.pem it is key.pub. With PENSTOCK_SIGNING_KEY=FILE, or --signing-key,
whatever is put on record is signed.`,
		Example: "  penstock audit keygen ~/penstock.key",
		Args:    arguments(1, 1, "a file"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.auditKeygen(args[0]) },
	}
}

func (a *app) auditKeygen(file string) error {
	public := strings.TrimSuffix(file, ".pem") + ".pub"
	if _, err := os.Lstat(public); err == nil {
		return usage("%s is there already", public).With("choose another name, or move it away")
	}
	id, private, pub, err := audit.NewKey()
	if err != nil {
		return err
	}
	if err := writeNew(file, private, 0o600); err != nil {
		return err
	}
	if err := writeNew(public, pub, 0o644); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	if a.output == "json" {
		return a.printJSON(map[string]string{"id": id, "private": file, "public": public})
	}
	a.print("key %s\n  %s signs: export PENSTOCK_SIGNING_KEY=%s, and let nobody else read it\n  %s is for who verifies: penstock audit verify --key %s --signed\n",
		id, file, quoted(file), public, quoted(public))
	return nil
}

// writeNew writes a file that is not there.
func writeNew(name string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s is there already", name).With("choose another name, or move it away")
	}
	if err != nil {
		return usage("can't make the file: %v", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
