package config

import "github.com/penstock-data/penstock/pipeline"

// columns reads what is said of columns, by their names.
func (d *decoder) columns(n *node) map[string]pipeline.ColumnTags {
	if n == nil {
		return nil
	}
	all := map[string]pipeline.ColumnTags{}
	for _, p := range d.pairs(n, "columns") {
		if !d.object(p.value, columnObject) {
			continue
		}
		tags := pipeline.ColumnTags{Tags: d.texts(p.value.get("tags"), "tags")}
		if u := p.value.get("untag"); u != nil {
			tags.Untag = map[string]string{}
			for _, tag := range d.pairs(u, "untag") {
				if tag.value.kind != nothing {
					tags.Untag[tag.key.text] = d.text(tag.value, "untag")
				}
				if tags.Untag[tag.key.text] == "" {
					d.fail(tag.key.pos, "untag: %s: say why the column is without it, like `untag: {%s: a keyed hash}`", tag.key.text, tag.key.text)
				}
			}
		}
		all[p.key.text] = tags
	}
	return all
}
