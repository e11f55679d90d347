package penstock

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// past gives what the gates of a stage stored when the version that is current was made,
// where this run brings them just the same rows; nil where nothing was published.
func (a *attempt) past() func(*pipeline.Stage, []pipeline.InputRecord) map[string]json.RawMessage {
	current := map[string]*pipeline.Manifest{}
	for _, s := range a.pl.Stages {
		if s.Output == nil {
			continue
		}
		m, digest, err := a.p.publish.Current(s.Output.Path, a.env.Partition.Dir())
		visible := filepath.Join(a.p.dir, filepath.FromSlash(s.Output.Path), a.env.Partition.Dir())
		if err == nil && a.p.believes(visible, digest) {
			current[s.Name] = m
		}
	}
	if len(current) == 0 {
		return nil
	}
	return func(s *pipeline.Stage, inputs []pipeline.InputRecord) map[string]json.RawMessage {
		m := current[s.Name]
		if m == nil || m.Penstock != Version() || m.Code != a.codeOf(s) ||
			!maps.Equal(m.Params, a.pl.Params) || !sameInputs(m, inputs) {
			return nil
		}
		for _, st := range m.Stages {
			if st.RowsQuarantined > 0 {
				return nil
			}
		}
		return m.Metrics
	}
}

// believes reports whether what gates found of a published directory may be taken for what
// they would find again: its manifest is that of the version that is kept and, for both are
// one file, as the index has it.
func (p *Project) believes(dir, digest string) bool {
	known, err := p.store.Knows(context.Background(), digest)
	return err == nil && known && p.publish.Confirms(dir, digest)
}

// sameInputs reports whether everything a version was made of is read again as it was.
func sameInputs(m *pipeline.Manifest, inputs []pipeline.InputRecord) bool {
	now := byName(inputs)
	for name, was := range byName(m.Inputs) {
		if !slices.EqualFunc(was, now[name], sameInput) {
			return false
		}
	}
	return true
}

// sameInput reports whether a source gives the same rows: of files, or of a version of a
// published partition.
func sameInput(was, now pipeline.InputRecord) bool {
	if was.Source == "" || was.Source != now.Source || was.Dataset != now.Dataset {
		return false
	}
	if was.Dataset != "" {
		return was.Partition == now.Partition && was.Data != "" && was.Data == now.Data
	}
	return len(was.Files) > 0 && slices.EqualFunc(was.Files, now.Files, func(a, b pipeline.File) bool {
		return a.SHA256 != "" && a.SHA256 == b.SHA256 && a.Bytes == b.Bytes
	})
}

// codeOf is the fingerprint of a stage and those without output that it is made of.
func (a *attempt) codeOf(s *pipeline.Stage) string {
	code := sha256.New()
	a.made(s, func(s *pipeline.Stage) { code.Write([]byte(s.Code())) })
	return hex.EncodeToString(code.Sum(nil))
}

// made visits a stage and, once each, the stages without output that it reads from.
func (a *attempt) made(s *pipeline.Stage, visit func(*pipeline.Stage)) { made(a.pl, s, visit) }
