//go:build !unix

package penstock

import "os/exec"

// endTogether is for systems that have groups of processes.
func endTogether(*exec.Cmd) {}
