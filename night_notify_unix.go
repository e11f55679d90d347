//go:build unix

package penstock

import (
	"os/exec"
	"syscall"
)

// endTogether has a command that takes too long end with all that it started.
func endTogether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
