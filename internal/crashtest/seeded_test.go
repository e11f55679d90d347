package crashtest

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/penstock-data/penstock/internal/seed"
)

// seeded is a mistake put into the code, and the test that has to find it.
type seeded struct {
	name string
	file string // below the module's root
	old  string // stands in it once
	now  string
	pkg  string
	test string
}

const root = "../.."

// Every mistake fits into the code as it is, so that none is forgotten when it changes.
func TestSeededBugsFit(t *testing.T) {
	names := map[string]bool{}
	for _, s := range seeds {
		text, err := os.ReadFile(filepath.Join(root, s.file))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), s.old); n != 1 {
			t.Errorf("%s: its place is %d times in %s; the code has changed, and so must the mistake", s.name, n, s.file)
		}
		if names[s.name] {
			t.Errorf("there are two of %q", s.name)
		}
		names[s.name] = true
	}
	if len(seeds) < 40 {
		t.Errorf("%d mistakes are seeded, want 40", len(seeds))
	}
}

// Each mistake makes the test fail that is named, which passes without it. The short run has
// three of them; PENSTOCK_SEEDED chooses some by their names.
func TestSeededBugs(t *testing.T) {
	var chosen []seeded
	for i, s := range seeds {
		if some := os.Getenv("PENSTOCK_SEEDED"); some != "" && strings.Contains(s.name, some) || some == "" && (seed.Long() || i%15 == 0 && i < 45) {
			chosen = append(chosen, s)
		}
	}
	var caught atomic.Int64
	t.Run("each", func(t *testing.T) {
		for _, s := range chosen {
			t.Run(s.name, func(t *testing.T) {
				if !s.slow() {
					t.Parallel()
				}
				whole(t, s)
				if s.caught(t) {
					caught.Add(1)
				}
			})
		}
	})
	t.Logf("seeded: %d of %d mistakes, each caught by the test that is named (%d are known)", caught.Load(), len(chosen), len(seeds))
}

// slow reports whether the test starts processes itself.
func (s seeded) slow() bool { return s.pkg == "./internal/crashtest" }

// passes remembers which tests pass on the code as it is.
var passes sync.Map

// whole looks once whether a test passes without a mistake.
func whole(t *testing.T, s seeded) {
	t.Helper()
	once, _ := passes.LoadOrStore(s.pkg+" "+s.test, sync.OnceValue(func() string {
		out, err := run(s, "")
		if err != nil {
			return err.Error() + "\n" + out
		}
		return ""
	}))
	if out := once.(func() string)(); out != "" {
		t.Fatalf("%s fails without a mistake:\n%s", s.test, out)
	}
}

// caught has the test run with the mistake in the code.
func (s seeded) caught(t *testing.T) bool {
	t.Helper()
	abs, err := filepath.Abs(filepath.Join(root, s.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(abs)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, filepath.Base(s.file)), filepath.Join(dir, "overlay.json")
	about, err := json.Marshal(map[string]any{"Replace": map[string]string{abs: changed}})
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), s.old, s.now, 1)
	if err := errors.Join(os.WriteFile(changed, []byte(with), 0o644), os.WriteFile(overlay, about, 0o644)); err != nil {
		t.Fatal(err)
	}
	out, err := run(s, overlay)
	var exit *exec.ExitError
	switch {
	case err == nil:
		t.Errorf("%s does not find it", s.test)
	case !errors.As(err, &exit) || strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		t.Errorf("it can't be built: %v\n%s", err, out)
	case strings.Contains(out, "panic: test timed out"):
		t.Errorf("%s takes too long:\n%s", s.test, out)
	case !strings.Contains(out, "--- FAIL: "+s.test) && !strings.Contains(out, "panic: "):
		t.Errorf("another test fails:\n%s", out)
	default:
		return true
	}
	return false
}

// run runs a test in a process of its own. The overlay goes by the environment, so that what
// the test builds has the mistake, too.
func run(s seeded, overlay string) (string, error) {
	cmd := exec.Command("go", "test", "-count=1", "-timeout=300s", "-run", "^"+s.test+"$", s.pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "PENSTOCK_LONG=", "PENSTOCK_SEED=1")
	if overlay != "" {
		cmd.Env = append(cmd.Env, "GOFLAGS=-overlay="+overlay)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
