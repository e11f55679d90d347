package pipeline

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
)

// maxAdopted bounds how many files a stage takes over as they are.
const maxAdopted = 1000

// adopts gives a check of each split, if the output of a stage is the files it reads:
// nothing is done to the rows, no gate can put some aside, and the format would keep them
// so. Else it gives nil.
func adopts(s *StagePlan, c *chain) func(context.Context, *Split) error {
	in := c.f.input
	if s.Output == nil || in == nil || !in.Whole || len(in.Files) > maxAdopted || !c.schema.Equal(in.Schema) {
		return nil
	}
	for _, st := range c.f.steps {
		switch st := st.(type) {
		case *operatorStep:
			return nil
		case *judgeStep:
			if st.judge.Quarantines {
				return nil
			}
		}
	}
	if a, ok := s.Output.Format.(Adopter); ok {
		return a.Adopts(in)
	}
	return nil
}

// adopt judges the rows, and stages the files they are in.
func (r *run) adopt(ctx context.Context, c *chain, sr *stageRun) error {
	s := sr.plan
	c.f.discards = true
	if err := Each(ctx, c.f.reader(), func(arrow.RecordBatch) error { return nil }); err != nil {
		return err
	}
	var written []File
	for i := range c.f.input.Files {
		read := &c.f.input.Files[i]
		staged, err := r.stager.Adopt(ctx, s.Stage, fmt.Sprintf("part-%d%s", i, s.Output.Format.Ext()), r.path(read.Path))
		if err != nil {
			return err
		}
		f := staged.File()
		if read.SHA256 != "" && read.SHA256 != f.SHA256 {
			return Errorf(BadInput, "%s was changed while it was read", read.Path).
				With("run again when whoever writes it is done; nothing was published")
		}
		if read.SHA256 == "" {
			read.SHA256, r.hashed[read] = f.SHA256, true
		}
		f.Rows, f.Chunks, f.Footer = rowsOf(c.f.input, i), read.Chunks, read.Footer
		sr.files = append(sr.files, f)
		r.openAgain(ctx, sr, c.schema, f, staged.Path())
		f.Path = filepath.ToSlash(staged.Path())
		written = append(written, f)
	}
	sr.written = written
	return r.reread(ctx, s, c.schema, written...)
}

// rowsOf is how many rows a file of an input has.
func rowsOf(in *Input, file int) (n int64) {
	for _, s := range in.Splits {
		if s.File == file {
			n += s.Rows
		}
	}
	return n
}
