package seed

import "testing"

// A seed is always the same, the one that is asked for, or, in a long run, another each time.
func TestFor(t *testing.T) {
	for _, c := range []struct {
		seed, long string
		want       uint64 // 0: another each time
	}{{"", "", Usual}, {"7", "", 7}, {"7", "1", 7}, {"", "1", 0}} {
		t.Setenv("PENSTOCK_SEED", c.seed)
		t.Setenv("PENSTOCK_LONG", c.long)
		got := For(t)
		if c.want > 0 && got != c.want || c.want == 0 && got == For(t) {
			t.Errorf("%+v: got %d", c, got)
		}
		if Long() != (c.long != "") || Chosen() != (c.seed != "") {
			t.Errorf("%+v: long %t, chosen %t", c, Long(), Chosen())
		}
	}
}
