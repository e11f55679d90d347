//go:build unix

package verify

import (
	"os"

	"golang.org/x/sys/unix"
)

// locked reports whether some process holds the lock file.
func locked(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
}
