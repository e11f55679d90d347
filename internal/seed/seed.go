// Package seed gives random tests their seeds.
package seed

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Usual is the seed of a test for which nobody asks for another.
const Usual = 1

// For is the seed of a test, which it logs: Usual, so that the same code gives the same result,
// or what PENSTOCK_SEED says; of a long run it comes from the time.
func For(t testing.TB) uint64 {
	t.Helper()
	s := uint64(Usual)
	switch {
	case Chosen():
		var err error
		if s, err = strconv.ParseUint(os.Getenv("PENSTOCK_SEED"), 10, 64); err != nil {
			t.Fatalf("PENSTOCK_SEED: %v", err)
		}
	case Long():
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("PENSTOCK_SEED=%d", s)
	return s
}

// Chosen reports whether PENSTOCK_SEED says which seed a test has.
func Chosen() bool { return os.Getenv("PENSTOCK_SEED") != "" }

// Long reports whether tests are to be as long as PENSTOCK_LONG has them.
func Long() bool { return os.Getenv("PENSTOCK_LONG") != "" }
