package penstock

import (
	"context"
	"errors"
	"strings"

	"github.com/penstock-data/penstock/lineage/openlineage"
	"github.com/penstock-data/penstock/pipeline"
)

// RunEvents are what OpenLineage is told of a run, or a backfill, as it stands on record: that it
// began, and what it came to. namespace is that of the jobs; empty: "default".
func (p *Project) RunEvents(ctx context.Context, id, namespace string) ([]openlineage.Event, error) {
	story, err := p.storyOf(ctx, id, namespace)
	if err != nil {
		return nil, err
	}
	events := story.Start()
	if story.Record.Status != pipeline.Running {
		events = append(events, story.End()...)
	}
	return events, nil
}

// storyOf is what there is to tell of a run that is on record.
func (p *Project) storyOf(ctx context.Context, id, namespace string) (*openlineage.Story, error) {
	story := &openlineage.Story{Dir: p.dir, Manifest: p.keptManifest, PartitionDir: p.keptDir}
	if strings.HasPrefix(id, backfillMark) {
		r, err := p.BackfillByID(id)
		if err != nil {
			return nil, err
		}
		story.Record, story.Intent = r.asRun(), openlineage.BackfillIntent(namespace, r.ID, r.Pipeline, r.Started)
		return story, nil
	}
	rec, err := p.RunByID(ctx, id)
	if err != nil {
		return nil, err
	}
	known, err := (&openlineage.Outbox{FS: p.fs, Dir: p.state("outbox")}).Intent(rec.Run)
	story.Record, story.Intent = rec, openlineage.PastIntent(namespace, rec, known)
	return story, err
}

// Outbox is what OpenLineage is to be told, and was not yet.
type Outbox struct {
	// Waiting are the ids of runs and backfills, the oldest first.
	Waiting []string `json:"waiting"`
	// Refused are events that a server did not take.
	Refused []openlineage.RefusedEvent `json:"refused"`
}

// Outbox lists what OpenLineage was not told yet.
func (p *Project) Outbox() (*Outbox, error) {
	box := &openlineage.Outbox{FS: p.fs, Dir: p.state("outbox")}
	waiting, err := box.List()
	refused, rerr := box.Refused()
	o := &Outbox{Waiting: []string{}, Refused: []openlineage.RefusedEvent{}}
	o.Waiting, o.Refused = append(o.Waiting, waiting...), append(o.Refused, refused...)
	return o, errors.Join(err, rerr)
}

// FlushOpenLineage tells what is left to be told, and waits for it. Runs whose ids are given are
// told of once more, and with again what a server has refused before. Nothing can be run after it.
func (p *Project) FlushOpenLineage(ctx context.Context, again bool, runs ...string) ([]openlineage.Delivery, error) {
	t := p.teller
	if t == nil {
		return nil, pipeline.Errorf(pipeline.Invalid, "nobody says where OpenLineage is to be told").
			With("set OPENLINEAGE_URL, or name a transport in openlineage.yml; see docs/openlineage.md")
	}
	var stories []*openlineage.Story
	for _, id := range runs {
		story, err := p.storyOf(ctx, id, t.config.Namespace)
		if err != nil {
			return nil, err
		}
		stories = append(stories, story)
	}
	for _, story := range stories {
		if err := t.outbox.PutAgain(story.Intent); err != nil {
			return nil, err
		}
	}
	if again {
		if err := t.putBack(); err != nil {
			return nil, err
		}
	}
	return t.flush(ctx), ctx.Err()
}

// putBack puts what servers have refused into the outbox.
func (t *teller) putBack() error {
	refused, err := t.outbox.Refused()
	for i := range refused {
		err = errors.Join(err, t.outbox.Again(&refused[i]))
	}
	return err
}
