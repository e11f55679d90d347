package penstock

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// keepTexts keeps what a pipeline was read from, each text once and under its SHA-256: a run can
// be made again then also where no commit has it. A text is written in temp, which is the run's own.
func (p *Project) keepTexts(texts []pipeline.Text, temp string) (all []pipeline.TextRecord, err error) {
	for i, t := range texts {
		sum := sha256Of(t.Text)
		if err := p.keepText(sum, t.Text, temp); err != nil {
			return nil, &pipeline.Error{
				Kind: pipeline.IO, Err: err, Msg: "can't keep the text of " + t.Path + ": " + err.Error(),
				Evidence: []string{"nothing was run: its code would not be on record"},
			}
		}
		name := t.Path
		if i == 0 { // others are named as the first names them
			name = p.relative(t.Path)
		}
		all = append(all, pipeline.TextRecord{Path: name, SHA256: sum})
	}
	return all, nil
}

func (p *Project) keepText(sum string, text []byte, temp string) error {
	if _, kept := p.texts.Load(sum); kept {
		return nil
	}
	name, beside := p.state("code", sum), filepath.Join(temp, sum)
	_, err := p.fs.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = faults.Write(p.fs, beside, text); err == nil {
			err = errors.Join(p.fs.Rename(beside, name), p.fs.SyncDir(p.state("code")))
		}
	}
	if err == nil {
		p.texts.Store(sum, true)
	}
	return err
}

// keptText gives a text that is kept.
func (p *Project) keptText(t pipeline.TextRecord) ([]byte, error) {
	text, err := p.fs.ReadFile(p.state("code", t.SHA256))
	if err == nil && sha256Of(text) != t.SHA256 {
		return nil, pipeline.Errorf(pipeline.BadInput, "the text of %s was changed: its sha256 is %.12s, expected %.12s", t.Path, sha256Of(text), t.SHA256)
	}
	return text, err
}
