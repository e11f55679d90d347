package penstock

import (
	"context"
	"path/filepath"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/lineage/openlineage"
)

// VerifyAudit is Project.VerifyAudit of the project at dir, without opening it: it needs no
// index, ends nothing of a process that died, and writes nothing. An auditor may have a copy that
// can only be read.
func VerifyAudit(ctx context.Context, dir string, o Options, a audit.Options) (*audit.Report, error) {
	p, err := toRead(dir, o)
	if err != nil {
		return nil, err
	}
	return p.VerifyAudit(ctx, a)
}

// ReportAudit is Project.ReportAudit of the project at dir, without opening it.
func ReportAudit(ctx context.Context, dir string, from, to time.Time, o Options, a audit.Options) (*audit.Ledger, error) {
	p, err := toRead(dir, o)
	if err != nil {
		return nil, err
	}
	return p.ReportAudit(ctx, from, to, a)
}

// toRead is a project of which only the files are read.
func toRead(dir string, o Options) (*Project, error) {
	abs, err := filepath.Abs(dir)
	return &Project{dir: abs, opts: o, clock: faults.SystemClock()}, err
}

// scrub takes secrets out of what people wrote: a report goes to others than those who run things.
func scrub(r *audit.Row) {
	r.Command, r.Error = openlineage.Scrub(r.Command), openlineage.Scrub(r.Error)
	for _, texts := range [][]string{r.Params, r.Inputs, r.Details} {
		for i, text := range texts {
			texts[i] = openlineage.Scrub(text)
		}
	}
}
