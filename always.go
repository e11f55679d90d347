package penstock

import (
	"context"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// publishRecords publishes what a blocked run found: the outputs that are published always, if
// nothing that they are made of is blocked, upstream first. Of each the manifest decides, as of any
// other. An error is one of the run: else its record would be missing for good, for what a gate
// blocked is not repeated.
func (b *manifests) publishRecords(ctx context.Context) error {
	for _, s := range b.out.Stages {
		if s.Stage.Output == nil || !s.Stage.Output.Always || !b.passed(s) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := b.commit(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// passed reports whether nothing keeps back an output of a blocked run, in what it was judged by
// and in what it is made of: that is published, and its own manifest is admitted.
func (b *manifests) passed(s *pipeline.StageOutcome) bool {
	_, inputs := describeUnit(b.pl, s.Stage)
	lacks := slices.ContainsFunc(inputs, func(name string) bool { return stageOf(b.pl, name) != nil && !b.has(name) })
	return !lacks && len(b.manifest(s).Unapproved(b.p.clock.Now(), b.p.opts.FourEyes)) == 0
}

// has reports whether the run has published the output of a stage.
func (b *manifests) has(stage string) bool {
	_, ok := b.byStage[stage]
	return ok
}
