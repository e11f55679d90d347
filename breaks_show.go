package penstock

import (
	"context"
	"slices"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/breaks"
)

// BreakHistory is what is known of a break.
type BreakHistory struct {
	Ledger    string `json:"ledger"`
	Partition string `json:"partition"`
	Break     Break  `json:"break"`
	// Nights are what the ledger says of it in that partition and before, the newest first, back
	// to where it opened first or where nothing is published. Earlier says that there are more
	// than were asked for.
	Nights  []BreakNight `json:"nights"`
	Earlier bool         `json:"earlier,omitempty"`
	// Decisions are all that were made about it, in the order in which they hold.
	Decisions []breaks.Decision `json:"decisions"`
}

// BreakNight is a break in a partition.
type BreakNight struct {
	Partition string  `json:"partition"`
	Version   int64   `json:"version"`
	State     string  `json:"state"`
	Left      *string `json:"left"`
	Right     *string `json:"right"`
	Delta     string  `json:"delta,omitempty"`
	Owner     string  `json:"owner,omitempty"`
	Reason    string  `json:"reason,omitempty"`
}

// MaxNights is how many partitions ShowBreak looks back if nothing else is asked for.
const MaxNights = 60

// ShowBreak gives a break of a ledger, by its id or as much of it as no other has, with its
// history over at most so many partitions; 0: MaxNights. Names that are empty are as of Breaks.
func (p *Project) ShowBreak(ctx context.Context, dataset, partition, id string, nights int) (*BreakHistory, error) {
	v, b, err := p.findBreak(ctx, dataset, partition, id)
	if err != nil {
		return nil, err
	}
	if nights <= 0 {
		nights = MaxNights
	}
	h := &BreakHistory{Ledger: v.manifest.Dataset, Partition: v.manifest.Partition, Break: *b, Nights: []BreakNight{}, Decisions: []breaks.Decision{}}
	versions, err := p.ledger(ctx, h.Ledger)
	if err != nil {
		return nil, err
	}
	for _, at := range versions {
		if at.manifest.Partition > h.Partition {
			continue
		}
		if at.manifest.Partition < b.Opened {
			break
		}
		if len(h.Nights) == nights {
			h.Earlier = true
			break
		}
		found, err := p.breakIn(ctx, at, b.ID)
		if err != nil {
			return nil, err
		}
		if found == nil {
			break // before it a partition was missing, or it was forgotten
		}
		h.Nights = append(h.Nights, BreakNight{
			at.manifest.Partition, at.manifest.Version, found.State, found.Left, found.Right, found.Delta, found.Owner, found.Reason,
		})
	}
	all, err := p.decisions(versions[0])
	for _, d := range all {
		if d.Break == b.ID {
			h.Decisions = append(h.Decisions, d)
		}
	}
	return h, err
}

// decisions are those that hold in a partition of a ledger.
func (p *Project) decisions(v *versionAt) ([]breaks.Decision, error) {
	part, err := pipeline.ParseDir(dirOfVersion(v))
	if err != nil {
		return nil, err
	}
	env := p.env()
	env.Partition = part
	return breaks.Decisions{Dataset: v.manifest.Dataset}.All(env)
}

// dirOfVersion is the directory of its partition below the dataset.
func dirOfVersion(v *versionAt) string {
	return strings.TrimPrefix(strings.TrimPrefix(v.visible, v.manifest.Dataset), "/")
}

// breakIn finds a break in a partition; nil where it is not.
func (p *Project) breakIn(ctx context.Context, v *versionAt, id string) (found *Break, err error) {
	err = p.eachBreak(ctx, v, "", func(b Break, _ bool) {
		if b.ID == id {
			found = &b
		}
	})
	return found, err
}

// minPrefix is how many digits of an id name a break at least.
const minPrefix = 2

// findBreak finds a break in a partition of a ledger by its id, or by how that begins.
func (p *Project) findBreak(ctx context.Context, dataset, partition, id string) (*versionAt, *Break, error) {
	v, err := p.ledgerAt(ctx, dataset, partition)
	if err != nil {
		return nil, nil, err
	}
	id = strings.ToLower(strings.TrimSpace(id))
	if len(id) < minPrefix {
		return nil, nil, invalid("which break? an id, or at least %d digits of it, is needed", minPrefix)
	}
	var found []Break
	var ids []string
	err = p.eachBreak(ctx, v, "", func(b Break, _ bool) {
		ids = append(ids, b.ID)
		if strings.HasPrefix(b.ID, id) {
			found = append(found, b)
		}
	})
	switch {
	case err != nil:
		return nil, nil, err
	case len(found) == 1:
		return v, &found[0], nil
	case len(found) > 1:
		var like []string
		for _, b := range found {
			like = append(like, b.ID)
		}
		return nil, nil, invalid("%d breaks of %s begin with %s", len(found), v.ref(), id).With("they are " + pipeline.Several(like))
	}
	return nil, nil, unknownBreak(v, id, ids)
}

func unknownBreak(v *versionAt, id string, ids []string) error {
	e := invalid("no break %s in %s", id, v.ref())
	var near []string
	if n := pipeline.Nearest(id, ids); n != "" {
		near = append(near, n)
	}
	for _, other := range ids {
		if len(near) < 3 && len(id) <= len(other) && !slices.Contains(near, other) && (strings.HasPrefix(other, id[:minPrefix]) || pipeline.Nearest(id, []string{other[:len(id)]}) != "") {
			near = append(near, other)
		}
	}
	switch {
	case len(near) > 0:
		return e.With("near it: " + strings.Join(near, ", "))
	case len(ids) == 0:
		return e.With("the ledger has no breaks there")
	}
	return e.With("`penstock breaks ls " + v.ref() + "` lists them")
}
