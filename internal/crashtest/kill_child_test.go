package crashtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// childDir is where the program is that is killed; empty: nobody needed it yet.
var childDir string

// child builds it, once for all tests.
var child = sync.OnceValues(func() (exe string, err error) {
	if childDir, err = os.MkdirTemp("", "penstock-crash-"); err != nil {
		return "", err
	}
	exe = filepath.Join(childDir, "child")
	if out, err := exec.Command("go", "build", "-tags", "failpoints", "-o", exe, "./child").CombinedOutput(); err != nil {
		return exe, fmt.Errorf("%w\n%s", err, out)
	}
	return exe, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if childDir != "" {
		_ = os.RemoveAll(childDir)
	}
	os.Exit(status)
}

// buildChild gives the program that is killed.
func buildChild(t testing.TB) string {
	t.Helper()
	exe, err := child()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// process is a child that is alive, or was.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	replies chan Reply // closed when it has ended
	stderr  bytes.Buffer
	started time.Time
	end     error
}

// start runs a child in a project. A failpoint may be armed from the start.
func start(exe, dir, failpoint string) (*process, error) {
	p := &process{cmd: exec.Command(exe), replies: make(chan Reply, 16), started: time.Now()}
	p.cmd.Dir, p.cmd.Stderr = dir, &p.stderr
	p.cmd.Env = append(os.Environ(), "PENSTOCK_FAILPOINT="+failpoint, "GOMAXPROCS=2")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var r Reply
			if json.Unmarshal(lines.Bytes(), &r) != nil {
				break // it was killed while it wrote
			}
			p.replies <- r
		}
		p.end = p.cmd.Wait()
		close(p.replies)
	}()
	return p, nil
}

// send gives it a command; that it has died is told by replies.
func (p *process) send(c Command) {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	_, _ = p.in.Write(append(text, '\n'))
}

// kill kills it now.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// quit lets it end, and gives what it said if it did not end well.
func (p *process) quit() error {
	if err := p.in.Close(); err != nil {
		return err
	}
	for range p.replies { // till it has ended
	}
	if p.end != nil {
		return errors.New(p.end.Error() + ": " + p.stderr.String())
	}
	return nil
}

// wasKilled reports whether it has ended by SIGKILL, and not by itself.
func (p *process) wasKilled() bool {
	var exit *exec.ExitError
	if !errors.As(p.end, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// family reports whether a process that it started is alive, a second later at most.
func (p *process) family() bool {
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for range 100 {
		if !alive(p.cmd.Process.Pid) {
			return false
		}
		<-pace.C
	}
	return true
}

// alive reports whether a process of the group is there, and no zombie.
func alive(group int) bool {
	if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
		return false
	}
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// After the name, in parentheses: state, parent, group.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" && fields[0] != "X" {
			return true
		}
	}
	return false
}
