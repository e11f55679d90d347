package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
)

// Basis is what one output of a run rests on, or a stage that only judges: as long as
// nothing of it changes, to run it again would bring nothing new.
type Basis struct {
	Stage string `json:"stage"`
	// Dataset is what the stage publishes; empty if it only judges.
	Dataset string `json:"dataset,omitempty"`
	// Code and Gates are the fingerprints of the stage and of those without output that it is
	// made of, by their names. Both are nil where the run did not compute them: what was
	// known before still holds. Of a run that only judged again, Code alone is nil.
	Code  map[string]string `json:"code,omitempty"`
	Gates map[string]string `json:"gates,omitempty"`
	// Params are the values of the parameters.
	Params map[string]string `json:"params,omitempty"`
	// Inputs are what was read: files, and versions of published partitions.
	Inputs []InputRecord `json:"inputs,omitempty"`
	// Version and Data are the version that is current since the run, and the digest of its
	// data; 0 and empty where the run published nothing.
	Version int64  `json:"version,omitempty"`
	Data    string `json:"data,omitempty"`
	// Rows is how many rows the version has, RowsQuarantined how many are quarantined beside it.
	Rows            int64 `json:"rows,omitempty"`
	RowsQuarantined int64 `json:"rows_quarantined,omitempty"`
	// Seconds is what the stages it is made of took.
	Seconds float64 `json:"seconds,omitempty"`
}

// Fingerprints are short digests of what the stage does, and of the rules that judge what
// leaves it; gates is empty where nothing is judged.
func (s *Stage) Fingerprints() (code, gates string) {
	if s.Gates != nil {
		gates = fingerprint(s.Gates.String())
	}
	return fingerprint(s.Code()), gates
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Settle notes the version that is current since the run.
func (b *Basis) Settle(m *Manifest) {
	b.Version, b.Data, b.Rows, b.RowsQuarantined = m.Version, m.DataDigest(), m.Rows, 0
	for _, f := range m.Quarantine {
		b.RowsQuarantined += f.Rows
	}
}

// Keys are digests of a basis, to compare it without reading it: code is over what is done
// and what is read from outside, gates over the rules, up over the data of the stages of the
// same pipeline that were read as they are published.
func (b *Basis) Keys() (code, gates, up string) {
	var c, g, u keyWriter
	c.fingerprints(b.Code)
	g.fingerprints(b.Gates)
	for i := range b.Inputs {
		in := &b.Inputs[i]
		if in.FromStage() {
			u.text(in.Name)
			u.text(in.Data)
			continue
		}
		c.text(in.Name)
		c.text(in.Source)
		c.text(in.Dataset)
		c.text(in.Partition)
		c.text(in.Data)
		for j := range in.Files {
			f := &in.Files[j]
			c.text(f.Path)
			c.number(f.Bytes)
			c.number(f.Modified.UnixNano())
		}
	}
	return c.sum(), g.sum(), u.sum()
}

// FromStage says that the input is what another stage of the same pipeline publishes of the
// same partition.
func (in *InputRecord) FromStage() bool { return in.Dataset != "" && in.Source == "" }

// keyWriter puts together what is digested. Texts carry their length, so that two lists
// never look the same.
type keyWriter struct{ buf []byte }

func (w *keyWriter) text(s string) {
	w.number(int64(len(s)))
	w.buf = append(w.buf, s...)
}

func (w *keyWriter) number(n int64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, uint64(n)) }

func (w *keyWriter) fingerprints(all map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w.text(name)
		w.text(all[name])
	}
}

func (w *keyWriter) sum() string {
	sum := sha256.Sum256(w.buf)
	return hex.EncodeToString(sum[:8])
}
