package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// sideInput resolves the files of a version.
func (p *Project) sideInput(ctx context.Context, v *versionAt) (*pipeline.Input, error) {
	written := v.kept(v.manifest.Files)
	if len(written) == 0 {
		schema, err := schemaOf(v.manifest, "")
		return &pipeline.Input{Schema: schema}, err
	}
	for _, f := range written {
		if f.Chunks != nil {
			continue // it is checked by parts as it is read
		}
		if err := p.asWritten(f); err != nil {
			return nil, err
		}
	}
	return p.written(ctx, v, written, false, nil)
}

// asWritten reads a file, and holds it against its digest.
func (p *Project) asWritten(f pipeline.File) (err error) {
	file, err := p.fs.Open(filepath.Join(p.dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return pipeline.Errorf(pipeline.BadInput, "%s is not as it was published: its sha256 is %.12s, and was %.12s", f.Path, got, f.SHA256).
			With("`penstock verify` tells what else is not")
	}
	return nil
}

// digests give the compare package the digests of column chunks that manifests have.
func (c *diffedRows) digests(columns []string) {
	was, now := c.was.manifest, c.now.manifest
	for side, m := range []*pipeline.Manifest{was, now} {
		in, other := c.sides[side].Input, []*pipeline.Manifest{now, was}[side]
		groups, at := map[int]int{}, map[int]int{} // of each file: all, and those before
		for _, s := range in.Splits {
			groups[s.File]++
		}
		for _, s := range in.Splits {
			var all []string
			if chunks := m.Files[s.File].Chunks; len(chunks) == groups[s.File] {
				all = chunkDigests(m, other, in.Schema, chunks[at[s.File]], columns)
			}
			at[s.File]++
			c.sides[side].Digests = append(c.sides[side].Digests, all)
		}
	}
}

// chunkDigests are those of columns of a row group, of which a nested column has several; empty of
// one that is not of the same type on the other side. Nil where it can't be told which is whose.
func chunkDigests(m, other *pipeline.Manifest, schema *arrow.Schema, chunks, columns []string) (all []string) {
	of, at := map[string]string{}, 0
	for i, f := range schema.Fields() {
		n := leaves(f.Type)
		if at+n > len(chunks) || i >= len(m.Schema) || m.Schema[i].Name != f.Name {
			return nil
		}
		if slices.Contains(other.Schema, m.Schema[i]) {
			of[f.Name] = strings.Join(chunks[at:at+n], " ")
		}
		at += n
	}
	if at != len(chunks) {
		return nil
	}
	for _, name := range columns {
		all = append(all, of[name])
	}
	return all
}

// leaves is how many chunks a column of a type has.
func leaves(t arrow.DataType) (n int) {
	switch t := t.(type) {
	case *arrow.StructType:
		for _, f := range t.Fields() {
			n += leaves(f.Type)
		}
		return n
	case *arrow.MapType:
		return leaves(t.KeyType()) + leaves(t.ItemType())
	case arrow.ListLikeType:
		return leaves(t.Elem())
	}
	return 1
}
