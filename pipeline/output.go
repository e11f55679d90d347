package pipeline

import (
	"path"
	"path/filepath"
	"strings"
)

// CheckOutputPath refuses a path that is not a directory below the project, or that
// readers could not name: a part of it may lead nowhere else, and not be hidden.
func CheckOutputPath(dataset string) error {
	clean := path.Clean(filepath.ToSlash(dataset))
	bad := func(why string) error {
		return Errorf(Invalid, "output %q: %s", dataset, why).
			With("an output is a directory below the project, like warehouse/clean")
	}
	if dataset == "" || clean == "." {
		return bad("a directory is needed")
	}
	if path.IsAbs(clean) || filepath.IsAbs(dataset) {
		return bad("the path must be relative to the project")
	}
	for part := range strings.SplitSeq(clean, "/") {
		switch {
		case part == "..":
			return bad("\"..\" leads out of the project")
		case strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_"):
			return bad("no part of the path may begin with \".\" or \"_\"")
		case strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == '*' || r == '?' }):
			return bad("control characters, \"\\\", \"*\" and \"?\" are not allowed")
		}
	}
	return nil
}
