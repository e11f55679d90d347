//go:build unix

package publish

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/pipeline"
)

const (
	contenderRoot = "PENSTOCK_TEST_CONTENDER" // set in a child: the root of the project
	children      = 2
	perChild      = 4
	contendLease  = 20 * time.Millisecond
)

func TestMain(m *testing.M) {
	if root := os.Getenv(contenderRoot); root != "" {
		contend(root)
		return
	}
	os.Exit(m.Run())
}

// contend is a child: for each line "ROUND VERSION" that it reads, some contenders want to
// publish that version, and say how it went.
func contend(root string) {
	var out sync.Mutex
	say := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var round, version int64
		if _, err := fmt.Sscan(lines.Text(), &round, &version); err != nil {
			panic(err)
		}
		var all sync.WaitGroup
		for i := range perChild {
			all.Go(func() {
				run := fmt.Sprintf("%d-%d-%d", round, os.Getpid(), i)
				say("%s", contendOnce(root, run, version, func() { say("holding") }))
			})
		}
		all.Wait()
	}
}

// contendOnce tries to publish a version until it is there: "won" and its text, "late" if it is
// another's, "fenced".
func contendOnce(root, run string, version int64, holding func()) string {
	s := &Store{FS: faults.OS(), Clock: faults.SystemClock(), Root: root, Keep: 2, Lease: contendLease}
	for {
		m, _, err := s.Current(dataset, july.Dir())
		if err == nil && m.Version >= version {
			return "late"
		}
		st, err := s.Begin(bg, dataset, july, run)
		if pipeline.KindOf(err) == pipeline.Conflict {
			_ = wait(bg, time.Millisecond)
			continue
		}
		if err != nil {
			return "error: " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		if c := st.Current(); c != nil && c.Version >= version {
			if err := st.Abort(); err != nil {
				return "error: " + strings.ReplaceAll(err.Error(), "\n", " ")
			}
			return "late"
		}
		holding()
		v, err := commitText(st, run)
		switch {
		case err == nil && v.Manifest.Version == version:
			return "won " + run
		case pipeline.KindOf(err) == pipeline.Conflict && strings.Contains(err.Error(), "was fenced by run "):
			return "fenced"
		}
		return "error: " + strings.ReplaceAll(fmt.Sprint(v, err), "\n", " ")
	}
}

type child struct {
	cmd   *exec.Cmd
	in    io.Writer
	lines chan string
}

func startChild(t *testing.T, root string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), contenderRoot+"="+root)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	out, oerr := cmd.StdoutPipe()
	if err := errors.Join(err, oerr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, in, make(chan string, 2*perChild)}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.lines <- lines.Text()
		}
		close(c.lines)
	}()
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Contenders in two processes want the same version at once; in most rounds the process of one
// that holds the partition is stopped, and goes on when another has done the work. Exactly one
// wins each round, whoever was stopped for too long is told, and nothing is left.
// PENSTOCK_LONG has 10,000 rounds.
func TestContendersInProcesses(t *testing.T) {
	rounds := 20
	if seed.Long() {
		rounds = 10_000
	}
	random := rand.New(rand.NewPCG(seed.For(t), 0))
	root := t.TempDir()
	s := newStore(faults.OS(), root)
	s.Lease = contendLease
	mustPublish(t, s, "0")
	kids := make([]*child, children)
	for i := range kids {
		kids[i] = startChild(t, root)
	}
	count := map[string]int{}
	for round := range rounds {
		version := int64(round + 2)
		for _, c := range kids {
			if _, err := fmt.Fprintln(c.in, round, version); err != nil {
				t.Fatal(err)
			}
		}
		won := contendRound(t, kids, random, count)
		if len(won) != 1 {
			t.Fatalf("round %d: %v won", round, won)
		}
		if got := visible(t, faults.OS(), root); got != won[0] {
			t.Fatalf("round %d: %s won, and a reader sees %q", round, won[0], got)
		}
		checkKept(t, s, fmt.Sprint("round ", round))
		if m, _, err := s.Current(dataset, july.Dir()); err != nil || m.Version != version {
			t.Fatalf("round %d: %+v, %v", round, m, err)
		}
		if left := staged(faults.OS(), root); len(left) > 0 {
			t.Fatalf("round %d: staging holds %v", round, left)
		}
	}
	t.Logf("%v", count)
	if count["stopped"] < rounds/4 || count["fenced"] < rounds/10 {
		t.Errorf("too little happened: %v", count)
	}
}

// contendRound reads what the contenders of a round say, and gives those that won.
func contendRound(t *testing.T, kids []*child, random *rand.Rand, count map[string]int) (won []string) {
	t.Helper()
	left := make([]int, len(kids))
	for i := range left {
		left[i] = perChild
	}
	stopped, enough := -1, false
	signal := func(i int, sig syscall.Signal) {
		if err := kids[i].cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(i int, line string) {
		what, run, _ := strings.Cut(line, " ")
		switch what {
		case "holding":
			if !enough && left[1-i] > 0 && random.IntN(3) > 0 {
				for range random.IntN(20_000) { // a moment, so that it is stopped anywhere
					count["moments"]++
				}
				signal(i, syscall.SIGSTOP)
				stopped, enough = i, true
				count["stopped"]++
			}
			return
		case "won":
			won = append(won, run)
		case "late", "fenced":
		default:
			t.Fatalf("a contender says %q", line)
		}
		left[i]--
		count[what]++
	}
	for left[0]+left[1] > 0 {
		if stopped >= 0 && left[1-stopped] == 0 {
			signal(stopped, syscall.SIGCONT)
			stopped = -1
		}
		select {
		case line, ok := <-kids[0].lines:
			if !ok {
				t.Fatal("a child ended")
			}
			hear(0, line)
		case line, ok := <-kids[1].lines:
			if !ok {
				t.Fatal("a child ended")
			}
			hear(1, line)
		}
	}
	if stopped >= 0 {
		signal(stopped, syscall.SIGCONT)
	}
	return won
}
