package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
)

// testKey makes a key, and gives both halves.
func testKey(t *testing.T) (*Key, []Public) {
	t.Helper()
	id, private, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"key": private, "pub": public} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, err := ReadKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if text := key.String(); text != "key "+id || key.ID != id {
		t.Fatalf("%q, %q, want %q", text, key.ID, id)
	}
	keys, err := ReadPublic(filepath.Join(dir, "pub"))
	if err != nil || len(keys) != 1 || keys[0].ID != id {
		t.Fatal(keys, err)
	}
	return key, keys
}

// forge writes a chain anew in which something is another, as somebody would who knows how it is
// made: every digest is right again. It gives the head of what comes out.
func forge(t *testing.T, name string, key *Key, change func(*Entry)) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var now []byte
	prev := ""
	for line := range bytes.Lines(text) {
		e, err := parse(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			t.Fatal(err)
		}
		e.Prev, e.Sig, e.Key = prev, nil, ""
		change(e)
		line, err := e.line(key)
		if err != nil {
			t.Fatal(err)
		}
		now, prev = append(now, line...), e.Sum
	}
	if err := os.WriteFile(name, now, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Who may write to every file of a project can make chains that hold by themselves. A head that was
// kept elsewhere finds it, and so do signatures: without the key there are none, and of another
// key they are not believed.
func TestForgedChains(t *testing.T) {
	key, keys := testKey(t)
	other, _ := testKey(t)
	root := t.TempDir()
	l := newLog(t, faults.OS(), root)
	l.Key = key
	for i := int64(1); i <= 3; i++ {
		entries := done(i)
		entries[1].Actor = "mallory"
		if err := l.Record(t.Context(), recordPath(root, i), recordText(i), entries...); err != nil {
			t.Fatal(err)
		}
	}
	head := l.ends[""].Head
	look := func(o Options) []Problem {
		t.Helper()
		c := newChecker(t.Context(), root, o)
		for _, dataset := range []string{"", "out/clean"} {
			if err := c.read(dataset); err != nil {
				t.Fatal(err)
			}
		}
		c.links()
		return c.Problems
	}
	if wrong := look(Options{Head: head, Keys: keys, Signed: true}); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	for _, with := range []*Key{nil, other} {
		forge(t, Path(root, ""), with, func(e *Entry) {
			if e.Actor == "mallory" {
				e.Actor = "alice"
			}
		})
		if wrong := look(Options{}); len(wrong) > 0 {
			t.Fatalf("the forger made a mistake: %v", wrong)
		}
		if wrong := look(Options{Head: head}); len(wrong) != 1 || !strings.Contains(wrong[0].What, "is not the one the chain ended with once") {
			t.Errorf("the head does not find it: %v", wrong)
		}
		for _, demand := range []bool{true, false} { // a key is a demand
			if wrong := look(Options{Keys: keys, Signed: demand}); len(wrong) != 1 {
				t.Errorf("signatures don't find it: %v", wrong)
			}
		}
	}
}

// Signatures of a chain that is longer than what is read at once are checked all the same.
func TestLongSignedChain(t *testing.T) {
	key, keys := testKey(t)
	root := t.TempDir()
	l := newLog(t, faults.OS(), root)
	l.Key = key
	var all []Entry
	for n := range int64(8000) {
		all = append(all, Entry{Kind: Run, Run: "run", Status: "published", Version: n, Digest: strings.Repeat("a", 64)})
	}
	if err := l.Append(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	look := func() *checker {
		c := newChecker(t.Context(), root, Options{Keys: keys, Signed: true})
		if err := c.read(""); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := look(); len(c.Problems) > 0 || c.Chains[0].Signed != 8001 {
		t.Fatal(c.Problems, c.Chains)
	}
	forge(t, Path(root, ""), nil, func(e *Entry) {})
	if c := look(); len(c.Problems) != 1 || c.Problems[0].What != "is not signed, and no entry after it is: 0 of 8001 entries are signed" {
		t.Fatal(c.Problems)
	}
}

// A signature of one entry is none of another, whatever else is right.
func TestSignatureOfAnotherEntry(t *testing.T) {
	key, keys := testKey(t)
	a, b := Entry{Seq: 1, Kind: Genesis}, Entry{Seq: 2, Kind: Run, Run: "r"}
	for _, e := range []*Entry{&a, &b} {
		line, err := e.line(key)
		if err != nil {
			t.Fatal(err)
		}
		read, err := parse(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil || !keys[0].verifies(read) {
			t.Fatalf("%s: %v", line, err)
		}
		*e = *read
	}
	a.Sig, b.Sig = b.Sig, a.Sig
	if keys[0].verifies(&a) || keys[0].verifies(&b) {
		t.Error("a signature of another entry is believed")
	}
}

// What is no key is refused, with nothing of what is in the file.
func TestKeysThatAreNone(t *testing.T) {
	dir := t.TempDir()
	_, private, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cut := append(bytes.Clone(private[:60]), "\n-----END PRIVATE KEY-----\n"...)
	for text, want := range map[string]string{
		"secret":       `no PEM block "PRIVATE KEY"`,
		string(public): `no PEM block "PRIVATE KEY"`,
		string(cut):    "is no private key",
	} {
		name := filepath.Join(dir, "key")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadKey(name); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), string(private[30:50])) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	name := filepath.Join(dir, "private")
	if err := os.WriteFile(name, private, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPublic(name); err == nil || !strings.Contains(err.Error(), "is a private key") {
		t.Error(err)
	}
}

// What a crash tore is excused by the entry after it; a line that was changed, or put there, is not.
func TestMendExcusesNoCompleteLine(t *testing.T) {
	for _, test := range []struct {
		what  string
		last  func(line string) string // what is done to the last line
		wrong bool
	}{
		{"torn", func(line string) string { return line[:len(line)/2] }, false},
		{"its end is gone", func(line string) string { return line[:len(line)-1] }, false},
		{"changed", func(line string) string { return strings.Replace(line, "run-3", "run-4", 1) }, true},
		{"changed, its end is gone", func(line string) string { return strings.Replace(line[:len(line)-1], "run-3", "run-4", 1) }, true},
		{"another after what is torn", func(line string) string { return line[:len(line)/2] + "\n" + line }, true},
		{"there twice", func(line string) string { return line + line }, true},
	} {
		root := t.TempDir()
		l := newLog(t, faults.OS(), root)
		for i := int64(1); i <= 4; i++ {
			if err := l.Record(t.Context(), recordPath(root, i), recordText(i), done(i)...); err != nil {
				t.Fatal(err)
			}
			if i != 3 {
				continue
			}
			text, err := os.ReadFile(Path(root, ""))
			if err != nil {
				t.Fatal(err)
			}
			from := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
			if err := os.WriteFile(Path(root, ""), append(text[:from:from], test.last(string(text[from:]))...), 0o644); err != nil {
				t.Fatal(err)
			}
			l = logOn(faults.OS(), root) // another process
		}
		c := chainsOf(t, root)
		if (len(c.Problems) > 0) != test.wrong || c.Chains[0].Mended != 1 && test.what != "its end is gone" {
			t.Errorf("%s: problems %v, notes %q", test.what, c.Problems, c.Notes)
		}
	}
}
