package cli

import (
	"os"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/lineage/openlineage"
)

// openLineage is where runs are told of; nil where the environment says nothing.
func (a *app) openLineage() (*openlineage.Config, error) {
	c, err := config.OpenLineage(os.Environ(), a.stderr, faults.SystemClock().Now)
	if c == nil || err != nil {
		return nil, err
	}
	c.Warn = func(text string) {
		if !a.quiet {
			a.say("%s", text)
		}
	}
	return c, nil
}
