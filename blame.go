package penstock

import (
	"context"
	"strings"

	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// Blame says where a column of a dataset comes from, as of the current version of a partition;
// of the one that was published last if the partition is empty, and of another version if that
// is not 0. Where there is no such column, the error says which there are.
func (p *Project) Blame(ctx context.Context, dataset, partition string, version int64, column string) (*lineage.ColumnBlame, error) {
	all, err := p.store.Versions(ctx, "", "")
	if err != nil {
		return nil, err
	}
	var found *pipeline.Manifest
	for _, m := range all {
		if m.Dataset != dataset || partition != "" && m.Partition != partition || version != 0 && m.Version != version {
			continue
		}
		if found == nil || later(m, found) {
			found = m
		}
	}
	if found == nil {
		return nil, pipeline.Errorf(pipeline.Invalid, "nothing published is called %q", dataset+strings.TrimSuffix("@"+partition, "@"))
	}
	b := lineage.Blame(all, lineage.Node{Dataset: dataset, Partition: found.Partition, Version: found.Version}, column)
	if b == nil {
		var known []string
		for _, f := range found.Schema {
			known = append(known, f.Name)
		}
		return nil, pipeline.Errorf(pipeline.Invalid, "%s@%s: %s", dataset, found.Partition, pipeline.Unknown("column", column, known))
	}
	return b, nil
}

// later reports whether a was published after b; of one partition, whether its version is later.
func later(a, b *pipeline.Manifest) bool {
	if a.Partition == b.Partition {
		return a.Version > b.Version
	}
	return a.Published.After(b.Published)
}
