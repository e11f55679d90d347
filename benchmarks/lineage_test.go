package main

import (
	"strings"
	"testing"
)

// Every function by which the share of recording is known is there, and one that is not is told.
func TestRecordingFunctionsAreThere(t *testing.T) {
	if err := moved(recordings); err != nil {
		t.Error(err)
	}
	gone := []recorded{{"edges", []string{`store\.\(\*Changes\)\.(putOtherwise)$`}}}
	if err := moved(gone); err == nil || !strings.Contains(err.Error(), "edges: no function is called") {
		t.Errorf("got %v", err)
	}
}

// What no sample has is less than one sample, and not nothing.
func TestShareOfProfile(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"Showing nodes accounting for 3, 0.5% of 600 total", "0.50% | 20.0 ms"},
		{"Showing nodes accounting for 0, 0% of 1000 total", "< 0.10% | < 4.0 ms"},
		{"Showing nodes accounting for 0, 0% of 0 total", "the profile has no sample"},
		{"another text", "go tool pprof does not say how many samples there are: another text"},
	} {
		p, err := shareIn([]byte("File: x\n" + c.said + "\n"))
		if err != nil {
			if !strings.HasPrefix(err.Error(), strings.TrimSuffix(c.want, " another text")) {
				t.Errorf("%s: got %v", c.said, err)
			}
			continue
		}
		if got := p.text(4); got != c.want {
			t.Errorf("%s: got %s, want %s", c.said, got, c.want)
		}
	}
}
