package cli

import (
	"strings"
	"testing"

	"github.com/penstock-data/penstock"
)

// A long key leaves room for the rest on a terminal, and is whole where somebody reads on.
func TestLongKeysLeaveRoom(t *testing.T) {
	long := strings.Repeat("k", 300)
	all := []penstock.Break{{ID: "0123456789abcdef", State: "new", Key: long, Cause: "missing", Left: &long, Delta: "12.5000", Opened: "2026-11-01"}}
	if text := breaksTable(all, 6, 0); !strings.Contains(text, long) {
		t.Errorf("the key is cut:\n%s", text)
	}
	text := breaksTable(all, 6, 120)
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if n := len([]rune(line)); n > 120 {
			t.Errorf("%d letters: %s", n, line)
		}
	}
	if !strings.Contains(text, "…") || !strings.Contains(text, "12.50 ") {
		t.Errorf("the table is\n%s", text)
	}
}
