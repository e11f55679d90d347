package crashtest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// What follows reads a project as somebody would who has never seen the publisher's code.

// manifest is as much of a manifest as is looked at.
type manifest struct {
	Version    int64  `json:"version"`
	Previous   string `json:"previous"`
	Run        string `json:"run"`
	Files      []file `json:"files"`
	Quarantine []file `json:"quarantine"`
	Lineage    []file `json:"lineage"`
	Findings   []struct {
		Verdict  string    `json:"verdict"`
		Approved *approval `json:"approved"`
	} `json:"findings"`

	digest string
}

type file struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

type approval struct {
	Bytes string `json:"bytes"`
}

// disk is a file system that is looked at. Most manifests are the same from one power cut to
// the next: each is read once.
type disk struct {
	faults.FS
	known map[[sha256.Size]byte]*manifest
}

// readManifest reads a manifest; nil where there is none.
func readManifest(disk disk, name string) (*manifest, error) {
	text, err := disk.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	if m := disk.known[sum]; m != nil {
		return m, nil
	}
	m := &manifest{digest: hex.EncodeToString(sum[:])}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s is torn: %w", name, err)
	}
	disk.known[sum] = m
	return m, nil
}

// readFiles reads files that a manifest names, and compares their digests.
func readFiles(disk disk, files []file, where func(string) string) (map[string]string, error) {
	texts := map[string]string{}
	for _, f := range files {
		text, err := disk.ReadFile(where(f.Path))
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != f.SHA256 {
			return nil, fmt.Errorf("%s is %q, and not what its manifest says", where(f.Path), text)
		}
		texts[f.Path] = string(text)
	}
	return texts, nil
}

// readVersion reads a version below dir, whole; nil where there is none.
func readVersion(disk disk, dir string) (*manifest, map[string]string, error) {
	m, err := readManifest(disk, filepath.Join(dir, "manifest.json"))
	if m == nil || err != nil {
		return nil, nil, err
	}
	texts, err := readFiles(disk, slices.Concat(m.Files, m.Quarantine, m.Lineage), func(name string) string { return filepath.Join(dir, name) })
	return m, texts, err
}

// list names what is in a directory; nothing if there is none.
func list(disk disk, dir string) []string {
	entries, err := disk.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// inspect looks at a place while a command for it is under way, or at none.
func (p *place) inspect(disk disk, during *command) error {
	if during != nil && during.at != p {
		during = nil
	}
	m, err := p.inspectVisible(disk, during)
	if err == nil && m != nil {
		err = p.inspectKept(disk, m)
	}
	if err == nil {
		err = p.inspectHeld(disk, during, m)
	}
	if err == nil {
		err = p.inspectApprovals(disk)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	return nil
}

// inspectVisible says whether readers see the old version or the new one, whole.
func (p *place) inspectVisible(disk disk, during *command) (*manifest, error) {
	names := list(disk, p.visible())
	if len(names) == 0 {
		if p.current != nil {
			return nil, fmt.Errorf("version %d is gone", p.current.number)
		}
		return nil, nil
	}
	m, err := readManifest(disk, filepath.Join(p.visible(), "_manifest.json"))
	if m == nil || err != nil {
		return nil, errors.Join(fmt.Errorf("readers see %v", names), err)
	}
	old := p.current != nil && m.digest == p.current.digest
	if old && p.torn {
		return m, nil
	}
	if len(names) != len(m.Files)+1 {
		return nil, fmt.Errorf("readers see %v, the manifest names %v", names, m.Files)
	}
	texts, err := readFiles(disk, m.Files, func(name string) string { return filepath.Join(p.visible(), path.Base(name)) })
	if err != nil {
		return nil, err
	}
	if _, kept, err := readVersion(disk, p.kept("versions", p.name(), fmt.Sprintf("%06d", m.Version))); err != nil || kept == nil {
		return nil, errors.Join(fmt.Errorf("version %d is current, and not kept", m.Version), err)
	} else if maps.Copy(texts, kept); old {
		return m, p.same(m, texts, p.current.texts)
	}
	return m, p.isNew(m, texts, during)
}

// same says whether a version has just the files that it should.
func (p *place) same(m *manifest, got, want map[string]string) error {
	if !maps.Equal(got, want) {
		return fmt.Errorf("version %d by %s is %v, want %v", m.Version, m.Run, got, want)
	}
	return nil
}

// isNew says whether what is current may be what the command is making.
func (p *place) isNew(m *manifest, texts map[string]string, during *command) error {
	if during == nil || !during.shows() {
		return fmt.Errorf("readers see version %d by %s, which nobody published", m.Version, m.Run)
	}
	for _, f := range m.Findings {
		approved := f.Approved != nil && (slices.Contains(p.approved, f.Approved.Bytes) || during.at.held != nil && f.Approved.Bytes == during.at.held.record.Bytes)
		if f.Verdict != "pass" && !approved {
			return fmt.Errorf("version %d is published with the verdict %s", m.Version, f.Verdict)
		}
	}
	if p.current != nil && (m.Previous != p.current.digest || m.Version <= p.current.number) {
		return fmt.Errorf("version %d does not follow version %d", m.Version, p.current.number)
	}
	return p.same(m, texts, during.texts)
}

// shows says whether the command makes a version current.
func (c *command) shows() bool {
	return c.kind == publishNew || c.kind == publishSame || c.kind == approve || c.kind == rollback
}

// inspectKept says whether all versions that have to be kept are, and follow each other.
func (p *place) inspectKept(disk disk, current *manifest) error {
	for n, digest := range p.seen {
		if n > current.Version || n < current.Version-keep || p.torn && n == p.current.number {
			continue
		}
		m, _, err := readVersion(disk, p.kept("versions", p.name(), fmt.Sprintf("%06d", n)))
		switch {
		case err != nil || m == nil:
			return errors.Join(fmt.Errorf("version %d was acknowledged, version %d is current, and it is not kept", n, current.Version), err)
		case m.digest != digest || m.Version != n:
			return fmt.Errorf("version %d is another than was published", n)
		case p.seen[n-1] != "" && m.Previous != p.seen[n-1]:
			return fmt.Errorf("version %d does not follow version %d", n, n-1)
		}
	}
	return nil
}

// inspectHeld says whether what was held is, while no command lets go of it.
func (p *place) inspectHeld(disk disk, during *command, current *manifest) error {
	if p.held == nil {
		return nil
	}
	err := p.holds(disk, p.held)
	switch {
	case err == nil || during == nil:
		return err
	case during.kind == hold: // then the new one is there
		return p.holdsBy(disk, during)
	case during.kind == discard || during.kind == publishSame:
		return nil
	case during.shows() && current != nil && (p.current == nil || current.digest != p.current.digest):
		return nil
	}
	return err
}

// holds says whether a version is held, whole, as it was when that was acknowledged.
func (p *place) holds(disk disk, h *holding) error {
	dir := p.kept("held", p.name()+"."+h.record.Run)
	text, err := disk.ReadFile(filepath.Join(dir, "held.json"))
	if err != nil {
		return fmt.Errorf("what %s holds is gone: %w", h.record.Run, err)
	}
	var got pipeline.HeldRecord
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, h.record) {
		return errors.Join(fmt.Errorf("held.json of %s is %s", h.record.Run, text), err)
	}
	m, texts, err := readVersion(disk, filepath.Join(dir, "version"))
	if m == nil || err != nil {
		return errors.Join(fmt.Errorf("what %s holds is not whole", h.record.Run), err)
	}
	return p.same(m, texts, h.texts)
}

// holdsBy says whether what the command is to hold is there, whole.
func (p *place) holdsBy(disk disk, c *command) error {
	m, texts, err := readVersion(disk, p.kept("held", p.name()+"."+c.run, "version"))
	if m == nil || err != nil {
		return errors.Join(fmt.Errorf("neither the old nor the new is held"), err)
	}
	return p.same(m, texts, c.texts)
}

// inspectApprovals says whether all that was approved of is on record.
func (p *place) inspectApprovals(disk disk) error {
	if len(p.approved) == 0 {
		return nil
	}
	var all []approval
	text, err := disk.ReadFile(p.kept("approvals", p.name()+".json"))
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return fmt.Errorf("the approvals: %w", err)
	}
	on := map[string]bool{}
	for _, a := range all {
		on[a.Bytes] = true
	}
	for _, bytes := range p.approved {
		if !on[bytes] {
			return fmt.Errorf("an approval of %.12s is lost; there are %d", bytes, len(all))
		}
	}
	return nil
}

// litter says whether anything lies about that nothing explains, after a command that was
// done. At other places, what was removed and not synced may have come back.
func litter(disk disk, places []*place, done *command) error {
	known := map[string]*place{}
	for _, p := range places {
		known[p.kept()+"/"+p.name()] = p
	}
	var walk func(dir string) error
	walk = func(dir string) error {
		entries, err := disk.ReadDir(dir)
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			store, rest, stored := strings.Cut(name, "/.penstock/datasets/")
			switch {
			case e.IsDir():
				err = errors.Join(err, walk(name))
			case stored:
				dataset, rest, _ := strings.Cut(rest, "/")
				if p := known[store+"/.penstock/datasets/"+dataset+"/"+placeOf(rest)]; p == nil || p == done.at && !p.explains(disk, rest, done.kind) {
					err = errors.Join(err, fmt.Errorf("%s lies about", name))
				}
			}
		}
		return err
	}
	return walk(root)
}

// placeOf is the name of the place that a file in the store of a dataset is of.
func placeOf(rest string) string {
	parts := strings.Split(rest, "/")
	switch name := parts[1]; parts[0] {
	case "held":
		return name[:strings.LastIndex(name, ".")]
	case "approvals":
		return strings.TrimSuffix(strings.TrimSuffix(name, ".tmp"), ".json")
	default:
		return name
	}
}

// explains says whether a file in the store may be there after a command.
func (p *place) explains(disk disk, rest string, done kind) bool {
	parts := strings.Split(rest, "/")
	switch parts[0] {
	case "held":
		return done == abort || done == collect || p.held != nil && strings.HasSuffix(parts[1], "."+p.held.record.Run)
	case "versions":
		return p.keeps(disk, parts[2], strings.Join(parts[3:], "/"), done)
	case "approvals":
		return strings.HasSuffix(rest, ".json")
	default: // the last claim stays for its number, and nothing that its holder wrote
		return parts[0] == "staging" && len(parts) == 3 && len(list(disk, p.kept("staging", p.name()))) == 1
	}
}

// keeps says whether a file is of a version that may be there: one that is to be kept. While
// none is published, one that came back may stay until then, and so may one that was never
// switched to, if nothing is visible that would tell.
func (p *place) keeps(disk disk, version, name string, done kind) bool {
	n, err := strconv.ParseInt(version, 10, 64)
	switch silent := done == hold || done == discard || done == abort; {
	case err != nil, p.current == nil && !silent && done != collect, p.current != nil && n > p.current.number:
		return false
	case p.current != nil && n < p.current.number-keep:
		return silent
	}
	m, err := readManifest(disk, p.kept("versions", p.name(), version, "manifest.json"))
	if m == nil || err != nil {
		return false
	}
	for _, f := range slices.Concat(m.Files, m.Quarantine, m.Lineage) {
		if f.Path == name {
			return true
		}
	}
	return name == "manifest.json"
}
