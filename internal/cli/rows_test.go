package cli

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Lines are cut to the width of the terminal, and no other is changed.
func TestFitted(t *testing.T) {
	text := "id  name\n 1  zürich\n22  é\n"
	for width := range 12 {
		got := fitted(text, width)
		for i, line := range strings.Split(got, "\n") {
			was := strings.Split(text, "\n")[i]
			switch {
			case width < 2 || utf8.RuneCountInString(was) <= width:
				if line != was {
					t.Errorf("width %d: %q became %q", width, was, line)
				}
			case utf8.RuneCountInString(line) != width || !strings.HasSuffix(line, "…") || !strings.HasPrefix(was, strings.TrimSuffix(line, "…")):
				t.Errorf("width %d: %q became %q", width, was, line)
			}
		}
	}
}
