// Package host tells what the machine and the surroundings of a run are: memory,
// the person, the commit. It decides nothing.
package host

import (
	"bufio"
	"context"
	"math"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// fallbackMemory is assumed where the system doesn't say.
const fallbackMemory = 4 << 30

// Memory is what this process may use at most, in bytes: the machine's memory or
// the control group's limit, whichever is less.
func Memory() int64 {
	total := meminfo("/proc/meminfo")
	for _, path := range cgroupLimits() {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && n > 0 {
			total = min(total, n)
		}
	}
	if total == math.MaxInt64 {
		return fallbackMemory
	}
	return total
}

// cgroupLimits are the files that may hold a limit, from the own group upward.
func cgroupLimits() []string {
	const root = "/sys/fs/cgroup"
	limits := []string{filepath.Join(root, "memory/memory.limit_in_bytes")}
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return limits
	}
	for line := range strings.Lines(string(text)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for dir := filepath.Clean("/" + group); ; dir = filepath.Dir(dir) {
			limits = append(limits, filepath.Join(root, dir, "memory.max"))
			if dir == "/" {
				break
			}
		}
	}
	return limits
}

func meminfo(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return math.MaxInt64
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
		if err == nil {
			return kib << 10
		}
	}
	return math.MaxInt64
}

// Actor is who runs this: $PENSTOCK_ACTOR, or the user's name on this machine.
func Actor() string {
	if a := os.Getenv("PENSTOCK_ACTOR"); a != "" {
		return a
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// gitTimeout bounds how long the commit is looked for.
const gitTimeout = 2 * time.Second

// Commit is the git commit that is checked out at dir, with "+dirty" if files that
// git tracks were changed; empty where there is no git or no commit.
func Commit(ctx context.Context, dir string) string {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	head, err := git(ctx, dir, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return ""
	}
	if changed, err := git(ctx, dir, "status", "--porcelain", "--untracked-files=no", "--", "."); err == nil && changed != "" {
		return head + "+dirty"
	}
	return head
}

// Show is a file as it was in a commit; name is relative to dir, with slashes.
func Show(ctx context.Context, dir, commit, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	return exec.CommandContext(ctx, "git", "-C", dir, "--no-optional-locks", "show", commit+":./"+name).Output()
}

// HasCommit reports whether git knows a commit.
func HasCommit(ctx context.Context, dir, commit string) bool {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	_, err := git(ctx, dir, "cat-file", "-e", commit+"^{commit}")
	return err == nil
}

// Repository is where the git repository at dir comes from, and the path of dir in it; empty where
// there is none, or it comes from nowhere.
func Repository(ctx context.Context, dir string) (remote, prefix string) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	remote, err := git(ctx, dir, "config", "--get", "remote.origin.url")
	if err != nil {
		return "", ""
	}
	prefix, _ = git(ctx, dir, "rev-parse", "--show-prefix")
	return remote, prefix
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "--no-optional-locks"}, args...)...).Output()
	return strings.TrimSpace(string(out)), err
}
