package cli

import (
	"fmt"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// showUndone warns of releases that a run took back, and says how to make them again.
func (a *app) showUndone(rec *pipeline.RunRecord) {
	for _, u := range rec.Undone {
		r := u.Release
		a.print("  warning: undoes the release of %s of %s by %s on %s: %s; release again with `%s`\n",
			plural(r.Rows, "row", "rows"), what(u.Dataset, u.Partition), oneLine(r.Actor), r.At.Local().Format(time.DateOnly),
			oneLine(r.Reason), oneLine(releaseLine(rec.File, u)))
	}
}

// releaseLine is the command that makes a release again.
func releaseLine(file string, u pipeline.Undone) string {
	line := fmt.Sprintf("penstock quarantine release %s --dataset %s --partition %s", file, u.Dataset, u.Partition)
	for _, name := range u.Release.Rules {
		line += " --rule " + name
	}
	if c := u.Release.Corrected; c != nil {
		line += " --rows " + c.Path
	}
	for _, w := range u.Release.Waived {
		line += " --waive " + w.Rule
	}
	return line + " --reason …"
}
