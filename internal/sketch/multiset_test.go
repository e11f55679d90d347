package sketch

import "testing"

func TestMultisetIsTheSameForEveryOrder(t *testing.T) {
	r := seeded(t)
	for range 50 {
		rows := make([][2]uint64, 2+r.IntN(500))
		var whole, less Multiset
		for i := range rows {
			rows[i] = [2]uint64{r.Uint64(), r.Uint64()}
			if i > 0 && r.IntN(3) == 0 {
				rows[i] = rows[r.IntN(i)]
			}
			whole.Add(rows[i][0], rows[i][1])
			if i > 0 {
				less.Add(rows[i][0], rows[i][1])
			}
		}
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		var parts []*Multiset
		for _, part := range cut(r, rows) {
			s := new(Multiset)
			for _, row := range part {
				s.Add(row[0], row[1])
			}
			parts = append(parts, again(t, s, new(Multiset)))
		}
		got := tree(r, parts, func(a, b *Multiset) *Multiset { b.Merge(a); return b })
		if *got != whole || got.String() != whole.String() || got.Count() != int64(len(rows)) {
			t.Fatalf("in another order it is %s, not %s", got, &whole)
		}
		if whole == less || whole.String() == less.String() {
			t.Fatal("without a row it is the same")
		}
	}
}

func TestMultisetRefuses(t *testing.T) {
	zero, one, two := "00000000000000000000000000000000", "00000000000000000000000000000001", "00000000000000000000000000000002"
	for _, c := range [][3]string{{"0", one, zero}, {"1", one, zero}, {"2", one, zero}, {"1", "1", "1"}, {"-1", zero, zero}, {"1", "x" + zero[1:], zero}, {"1", two, zero}} {
		refused(t, new(Multiset), `{"count":`+c[0]+`,"sum":"`+c[1]+`","xor":"`+c[2]+`"}`)
	}
}

func FuzzMultiset(f *testing.F) {
	s := new(Multiset)
	s.Add(1, 1<<63)
	s.Add(2, 1<<63)
	fuzzJSON(f, func() *Multiset { return new(Multiset) }, func(s, twin *Multiset) {
		s.Merge(twin)
		s.Add(3, 4)
	}, s, new(Multiset))
}

func BenchmarkMultisetAdd(b *testing.B) {
	var s Multiset
	h := uint64(1)
	for b.Loop() {
		s.Add(h, ^h)
		h += 0x9e3779b97f4a7c15
	}
}
