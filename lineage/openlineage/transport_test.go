package openlineage

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/faults"
)

func TestWhatAServerIsSent(t *testing.T) {
	var got *http.Request
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		got, body = r, string(text)
	}))
	defer srv.Close()
	c := readConfig(t, `{"transport": {"type": "http", "url": "`+srv.URL+`", "endpoint": "/lineage?x=1", "compression": "gzip",
		"auth": {"type": "api_key", "apiKey": "hunter2"}, "custom_headers": {"X-Team": "data"}}}`)
	tr := c.Transports[0]
	defer tr.(*server).client.CloseIdleConnections()
	if err := tr.Send(t.Context(), [][]byte{[]byte(`{"a": 1}`)}); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST", "/lineage?x=1", "application/json", "gzip", "Bearer hunter2", "data", `{"a": 1}`}
	if diff := cmp.Diff(want, []string{got.Method, got.RequestURI, got.Header.Get("Content-Type"), got.Header.Get("Content-Encoding"), got.Header.Get("Authorization"), got.Header.Get("X-Team"), body}); diff != "" {
		t.Error(diff)
	}
}

// What the address of a server holds is in no error.
func TestErrorsOfServersHoldNoSecret(t *testing.T) {
	c := readConfig(t, `{"transport": {"type": "http", "url": "http://joe:hunter2@127.0.0.1:1", "endpoint": "x?token=hunter2"}}`)
	err := c.Transports[0].Send(t.Context(), [][]byte{{}})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Error(err)
	}
}

func TestFileAfterATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(path, []byte("{\"a\": 1}\n{\"b\""), 0o644); err != nil {
		t.Fatal(err)
	}
	l := &logFile{"file", path}
	if err := l.Send(t.Context(), [][]byte{[]byte("{}"), []byte("[]")}); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "{\"a\": 1}\n{\"b\"\n{}\n[]\n" {
		t.Errorf("%q", text)
	}
}

func TestAFileForEachEvent(t *testing.T) {
	dir := t.TempDir()
	n := &newFiles{"file", filepath.Join(dir, "ol"), func() time.Time { return began }}
	if err := n.Send(t.Context(), [][]byte{[]byte("1"), []byte("2")}); err != nil {
		t.Fatal(err)
	}
	found, _ := filepath.Glob(filepath.Join(dir, "*"))
	want := []string{filepath.Join(dir, "ol-20261124-092402.000000.json"), filepath.Join(dir, "ol-20261124-092402.000001.json")}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	if text, _ := os.ReadFile(want[1]); string(text) != "2\n" {
		t.Errorf("%q", text)
	}
}

// An intent that was put is there after a power cut, whatever the disk had not written.
func TestPutIsDurable(t *testing.T) {
	mem := faults.NewMem()
	if err := mem.MkdirAll("/p/.penstock"); err != nil {
		t.Fatal(err)
	}
	if err := mem.SyncDir("/p"); err != nil {
		t.Fatal(err)
	}
	if err := mem.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	box := &Outbox{FS: mem, Dir: "/p/.penstock/outbox"}
	for _, run := range []string{"r1", "r2"} {
		before := mem.Syncs()
		if err := box.Put(&Intent{Run: run, Namespace: "n"}); err != nil {
			t.Fatal(err)
		}
		if n := mem.Syncs() - before; run == "r2" && n > 2 { // the file and its directory, at once
			t.Errorf("%d syncs", n)
		}
	}
	after := &Outbox{FS: mem.Crash(faults.Lost), Dir: box.Dir}
	runs, err := after.List()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"r1", "r2"}, runs); diff != "" {
		t.Fatal(diff)
	}
	if in, err := after.Intent("r2"); err != nil || in == nil || in.Namespace != "n" {
		t.Error(in, err)
	}
}

// Who looks into the outbox while an intent is put there finds the old one, or the new, or none: it
// takes none for one that a crash has torn.
func TestPutIsSeenWhole(t *testing.T) {
	mem := faults.NewMem()
	if err := mem.MkdirAll("/outbox"); err != nil {
		t.Fatal(err)
	}
	reader := &Outbox{FS: mem, Dir: "/outbox"}
	looks := 0
	writer := &Outbox{Dir: "/outbox", FS: faults.Failing{FS: mem, Fault: func(op, path string) error {
		looks++
		runs, err := reader.List()
		for _, run := range runs {
			if in, ierr := reader.Intent(run); in == nil || ierr != nil {
				t.Errorf("before %s of %s: %v %v", op, path, in, ierr)
			}
		}
		return err
	}}}
	for range 2 {
		if err := writer.Put(&Intent{Run: "r1"}); err != nil {
			t.Fatal(err)
		}
	}
	if in, err := reader.Intent("r1"); in == nil || err != nil || looks < 6 {
		t.Error(in, err, looks)
	}
}

// readConfig reads a config that is written as JSON.
func readConfig(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	c, err := FromEnv(append(env, "OPENLINEAGE_CONFIG=it.yml"), io.Discard, func() time.Time { return began }, func(string) (all map[string]any, err error) {
		return all, json.Unmarshal([]byte(text), &all)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
