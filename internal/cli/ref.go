package cli

import (
	"path/filepath"
	"strconv"
	"strings"
)

// ref names published data: "warehouse/clean@2001-01", perhaps with " v2" or "@v2".
type ref struct {
	dataset, partition string
	version            int64
}

// parseRef also takes what penstock prints, "warehouse/clean@2001-01 v2", and a
// dataset's path as a shell completes it, with a slash at its end.
func parseRef(s string) (ref, error) {
	var r ref
	name, version, ok := strings.Cut(s, " v")
	if ok {
		n, err := strconv.ParseInt(version, 10, 64)
		if err != nil || n < 1 {
			return r, usage("%q: %q is not a version; write it like \"warehouse/clean@2001-01 v2\"", s, "v"+version)
		}
		r.version = n
	}
	r.dataset, r.partition, _ = strings.Cut(name, "@")
	r.dataset = strings.TrimSuffix(strings.TrimPrefix(r.dataset, "./"), "/")
	if r.dataset == "" {
		return r, usage("%q names no dataset; write it like warehouse/clean@2001-01", s)
	}
	return r, nil
}

// below takes a path as a shell completes it from the root of the file system for one of the project,
// as manifests have it.
func (r ref) below(dir string) ref {
	if filepath.IsAbs(r.dataset) {
		if rel, err := filepath.Rel(dir, r.dataset); err == nil && !strings.HasPrefix(rel, "..") {
			r.dataset = filepath.ToSlash(rel)
		}
	}
	return r
}
