package host

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// Stamp is another after every write to a file, whatever the times say that programs set, and
// changed is when it became what it is; empty where the system does not say.
func Stamp(info fs.FileInfo) (stamp string, changed time.Time) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", time.Time{}
	}
	changed = time.Unix(s.Ctim.Unix())
	return fmt.Sprintf("%d/%d: %d bytes at %d, %d", s.Dev, s.Ino, s.Size, info.ModTime().UnixNano(), changed.UnixNano()), changed
}
