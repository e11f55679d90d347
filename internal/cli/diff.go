package cli

import (
	"fmt"
	"slices"
	"strings"
)

// diffContext is how many lines stand around what a diff changes.
const diffContext = 3

// unifiedDiff tells how a file changes, in one hunk, as `git apply` and `patch -p1` read it;
// empty if it does not.
func unifiedDiff(name, before, after string) string {
	if before == after {
		return ""
	}
	old, now := slices.Collect(strings.Lines(before)), slices.Collect(strings.Lines(after))
	same := 0
	for same < min(len(old), len(now)) && old[same] == now[same] {
		same++
	}
	end := 0
	for end < min(len(old), len(now))-same && old[len(old)-1-end] == now[len(now)-1-end] {
		end++
	}
	from := max(0, same-diffContext)
	tail := min(end, diffContext)
	oldTo, nowTo := len(old)-end+tail, len(now)-end+tail
	var b strings.Builder
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", name, name)
	fmt.Fprintf(&b, "@@ -%s +%s @@\n", hunk(from, oldTo), hunk(from, nowTo))
	write := func(sign string, lines []string) {
		for _, l := range lines {
			b.WriteString(sign + l)
			if !strings.HasSuffix(l, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	write(" ", old[from:same])
	write("-", old[same:len(old)-end])
	write("+", now[same:len(now)-end])
	write(" ", old[len(old)-end:oldTo])
	return b.String()
}

// hunk is a range of lines, whose numbers begin with 1.
func hunk(from, to int) string {
	if from == to {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}
