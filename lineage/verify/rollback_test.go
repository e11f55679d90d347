package verify

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRollbacks(t *testing.T) {
	files := []file{{Path: "data/a", SHA256: "aa", Bytes: 1}}
	for _, test := range []struct {
		spoil func(map[int64]manifest)
		want  string
	}{
		{func(map[int64]manifest) {}, ""},
		{func(kept map[int64]manifest) { delete(kept, 1) }, ""}, // pruned
		{func(kept map[int64]manifest) {
			kept[1] = manifest{Files: []file{{Path: "data/a", SHA256: "ab", Bytes: 1}}}
		}, "version 3 says that it has the files of version 1, and has others"},
		{func(kept map[int64]manifest) { kept[3].Rollback.From = 1 }, "version 3 says that it went back from version 1 to version 1"},
		{func(kept map[int64]manifest) { kept[3].Rollback.To = 0 }, "version 3 says that it went back from version 2 to version 0"},
		{func(kept map[int64]manifest) { kept[3].Rollback.Actor = "" }, "version 3 was rolled back to, and nobody says why"},
		{func(kept map[int64]manifest) { kept[3].Rollback.Reason = "" }, "version 3 was rolled back to, and nobody says why"},
	} {
		kept := map[int64]manifest{1: {Files: files}, 2: {}, 3: {Files: files, Rollback: &rollback{From: 2, To: 1, Reason: "r", Actor: "a"}}}
		test.spoil(kept)
		c := &checker{}
		c.rollbacks("here", kept)
		got := ""
		for _, p := range c.report.Problems {
			got += p.What
		}
		if got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// What lies in staging is somebody's while the newest claim is held, or made elsewhere.
func TestStaging(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	here := `{"host": "` + host + `"}`
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":        {map[string]string{"staging/p/000003": here}, ""},
		"dead":           {map[string]string{"staging/p/000003": here, "staging/p/000003.run/claim": ""}, "staging/p/000003.run"},
		"elsewhere":      {map[string]string{"staging/p/000003": `{"host": "elsewhere"}`, "staging/p/000003.run/claim": ""}, ""},
		"a torn claim":   {map[string]string{"staging/p/000003": "", "staging/p/000003.run/claim": ""}, "staging/p/000003.run"},
		"an older claim": {map[string]string{"staging/p/000002": `{"host": "elsewhere"}`, "staging/p/000010": here, "staging/p/000002.run/claim": ""}, "staging/p/000002.run"},
		"no claim":       {map[string]string{"staging/p/000002.run/claim": ""}, "staging/p/000002.run"},
		"of old":         {map[string]string{"staging/p.run/version/data/x": ""}, "staging/p.run"},
	} {
		dir := t.TempDir()
		for path, text := range test.files {
			path = filepath.Join(dir, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := &checker{root: dir}
		c.staging(dir)
		got := ""
		for _, p := range c.report.Problems {
			got += p.Path
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
