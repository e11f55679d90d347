package penstock

import (
	"context"
	"errors"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// publish makes what was held current, upstream first.
func (d *decision) publish(ctx context.Context) error {
	byDataset := map[string]published{}
	var current []published
	status := pipeline.Unchanged
	outputs := slices.DeleteFunc(slices.Clone(d.Run.Outputs), d.holds) // published always
	before := len(outputs)
	for i, r := range d.held {
		v := r.Done
		if v == nil {
			if err := fillInputs(r.Manifest, byDataset); err != nil {
				return err
			}
			var err error
			if v, err = r.Staging.Commit(ctx, r.Manifest); err != nil {
				d.Run.Outputs = outputs // those are visible; the next approval goes on from here
				return errors.Join(err, d.record(context.WithoutCancel(ctx), current))
			}
			noteUndone(d.Run, r.Staging.Current(), v.Manifest)
		}
		if !v.Unchanged {
			status = pipeline.Published
		}
		now := published{v.Manifest, v.Digest}
		byDataset[v.Manifest.Dataset] = now
		current = append(current, now)
		outputs = append(outputs, outputRecord(v.Manifest, d.Run.Held[i].Path))
	}
	d.Run.Status, d.Run.Outputs, d.Run.Held, d.Published = status, outputs, nil, outputs[before:]
	settle(d.Run, current)
	return d.record(context.WithoutCancel(ctx), current)
}

// holds reports whether an output is of a dataset that the run held.
func (d *decision) holds(out pipeline.OutputRecord) bool {
	return slices.ContainsFunc(d.Run.Held, func(h pipeline.HeldRecord) bool { return h.Dataset == out.Dataset })
}

// fillInputs names the versions of what the same run published before.
func fillInputs(m *pipeline.Manifest, byDataset map[string]published) error {
	for i, in := range m.Inputs {
		if !in.FromStage() || in.Version != 0 {
			continue
		}
		v, ok := byDataset[in.Dataset]
		if !ok {
			return pipeline.Errorf(pipeline.Internal, "%s was made of %s, which the run did not hold", m.Dataset, in.Dataset)
		}
		m.Inputs[i] = v.input(in.Name)
	}
	return nil
}

// settle notes, in what the outputs of a run rest on, the versions that are current now.
func settle(rec *pipeline.RunRecord, current []published) {
	data := map[string]string{}
	for _, v := range current {
		for i := range rec.Bases {
			if b := &rec.Bases[i]; b.Dataset == v.manifest.Dataset {
				b.Settle(v.manifest)
				data[b.Stage] = b.Data
			}
		}
	}
	for i := range rec.Bases {
		for j := range rec.Bases[i].Inputs {
			if in := &rec.Bases[i].Inputs[j]; in.FromStage() && in.Data == "" {
				in.Data = data[in.Name]
			}
		}
	}
}
