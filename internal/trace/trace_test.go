package trace

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"
)

// written is a trace file of lanes over two inputs of three splits each, and of groups.
func written(t testing.TB, lanes [][]Place, groups [][]Place) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, len(lanes))
	if err != nil {
		t.Fatal(err)
	}
	for lane, places := range lanes {
		for _, p := range places {
			if err := w.Add(lane, p, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	splits := []Split{{File: 0, Row: 0, Group: 1}, {File: 0, Row: 1000, Group: 2}, {File: 1, Row: -1}}
	w.Input(Input{Name: "a", Files: []string{"a-0", "a-1"}, First: 0, Splits: splits})
	w.Input(Input{Name: "b", Files: []string{"b-0", "b-1"}, First: 3, Splits: splits})
	if groups != nil {
		var sizesAt, membersAt bytes.Buffer
		sizes, members := NewSequence(&sizesAt), NewSequence(&membersAt)
		for _, g := range groups {
			for _, p := range g {
				if err := members.Add(p, 1); err != nil {
					t.Fatal(err)
				}
			}
			if err := sizes.Add(Place(len(g)), 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := sizes.End(); err != nil {
			t.Fatal(err)
		}
		if err := members.End(); err != nil {
			t.Fatal(err)
		}
		if err := w.Groups(6, sizes, members, &sizesAt, &membersAt); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t testing.TB, file []byte) *Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Places come back as they were added, whatever their order, over many blocks.
func TestSequencesComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func(before Place) Place{
		"in order":  func(p Place) Place { return p + 1 },
		"some left": func(p Place) Place { return p + 1 + Place(r.IntN(2)) },
		"random":    func(Place) Place { return At(r.Int32N(6), r.Int64N(1<<31)) },
		"the same":  func(p Place) Place { return p },
		"backward":  func(p Place) Place { return max(p-1, 0) },
		"few":       func(Place) Place { return At(5, r.Int64N(3)) },
		"with none": func(Place) Place {
			if r.IntN(3) == 0 {
				return None
			}
			return At(2, r.Int64N(100))
		},
	} {
		t.Run(name, func(t *testing.T) {
			lane, p := []Place{}, At(0, 1<<20)
			for range 3*BlockPlaces + 77 {
				p = next(p)
				lane = append(lane, p)
			}
			got := open(t, written(t, [][]Place{lane}, nil))
			if got.Rows() != int64(len(lane)) {
				t.Fatalf("%d rows, want %d", got.Rows(), len(lane))
			}
			for i, want := range lane {
				if have, err := got.at(&got.footer.Lanes[0], int64(i)); err != nil || have != want {
					t.Fatalf("place %d is %d, %v, want %d", i, have, err, want)
				}
			}
		})
	}
}

// What is packed ahead comes back, between what is added place by place.
func TestBlocksComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var out bytes.Buffer
	w, err := NewWriter(&out, 1)
	if err != nil {
		t.Fatal(err)
	}
	var want []Place
	for i, share := range []float64{1, 0.5, 0.99, 0.001, 0.8, 0.05} {
		var at []int32
		for row := range int32(BlockPlaces) {
			if r.Float64() < share || row == 77 {
				at = append(at, row)
			}
		}
		first := At(int32(i), 1000)
		if err := w.AddBlock(Pack(first, at)); err != nil {
			t.Fatal(err)
		}
		for _, row := range at {
			want = append(want, first+Place(row))
		}
		if err := w.Add(0, None, 3); err != nil {
			t.Fatal(err)
		}
		want = append(want, None, None, None)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := open(t, out.Bytes())
	for i, p := range want {
		if have, err := got.at(&got.footer.Lanes[0], int64(i)); err != nil || have != p {
			t.Fatalf("place %d is %d, %v, want %d", i, have, err, p)
		}
	}
	if got.Rows() != int64(len(want)) {
		t.Errorf("%d rows, want %d", got.Rows(), len(want))
	}
}

// A run that is added at once is what its places are one by one, and takes no more bytes for
// being long.
func TestRunsCostNothing(t *testing.T) {
	var once, each bytes.Buffer
	a, b := NewSequence(&once), NewSequence(&each)
	const n = 1_000_000
	if err := a.Add(At(1, 7), n); err != nil {
		t.Fatal(err)
	}
	for i := range int64(n) {
		if err := b.Add(At(1, 7+i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.End(); err != nil {
		t.Fatal(err)
	}
	if err := b.End(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(once.Bytes(), each.Bytes()) {
		t.Error("a run at once is written otherwise than place by place")
	}
	if once.Len() > 600 {
		t.Errorf("a million rows in order take %d bytes", once.Len())
	}
}

// origins are "input file:row" of each row that one came from.
func origins(t *testing.T, r *Reader, row int64) (all []string) {
	t.Helper()
	err := r.Each(row, func(o Origin) error {
		text := o.Input.Name + " " + o.File() + ":"
		for _, n := range []int64{o.Row, o.At} {
			text += " " + string(rune('0'+n%1000+1)) // small numbers, -1 is 0
		}
		all = append(all, text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOriginsAreOfFilesAndGroups(t *testing.T) {
	lanes := [][]Place{
		{At(0, 2), At(1, 2), None, At(6, 1)},
		{At(3, 0), None, At(5, 4), At(3, 1)},
	}
	groups := [][]Place{{At(0, 0)}, {At(4, 3), At(2, 1), At(4, 3), At(3, 1)}, {}}
	r := open(t, written(t, lanes, groups))
	for row, want := range [][]string{
		{"a a-0: 3 3", "b b-0: 1 1"},
		{"a a-0: 3 3"},
		{"b b-1: 0 5"},
		{"b b-0: 4 4", "a a-1: 0 2", "b b-0: 2 2"}, // each once
	} {
		if got := origins(t, r, int64(row)); !slices.Equal(got, want) {
			t.Errorf("row %d came from %q, want %q", row, got, want)
		}
	}
	if err := r.Each(4, func(Origin) error { return nil }); err == nil {
		t.Error("a row that is not there came from somewhere")
	}
}

// What a callback says ends the walk.
func TestEachEndsWithAnError(t *testing.T) {
	r := open(t, written(t, [][]Place{{At(0, 0)}, {At(0, 1)}}, nil))
	n := 0
	if err := r.Each(0, func(Origin) error { n++; return io.ErrClosedPipe }); err != io.ErrClosedPipe || n != 1 { //nolint:errorlint // identity
		t.Errorf("%v after %d", err, n)
	}
}

// A group that is made of itself, or of a later one, is refused.
func TestGroupsAreMadeOfWhatCameBefore(t *testing.T) {
	r := open(t, written(t, [][]Place{{At(6, 0)}}, [][]Place{{At(6, 0), At(6, 1)}, {At(0, 0)}}))
	if err := r.Each(0, func(Origin) error { return nil }); err == nil || !strings.Contains(err.Error(), "no source 6") {
		t.Errorf("got %v", err)
	}
}

// Any one byte that is another is found, or changes nothing.
func TestDamageIsFound(t *testing.T) {
	lanes := [][]Place{{At(0, 2), At(1, 2), None, At(6, 1)}}
	groups := [][]Place{{At(0, 0)}, {At(4, 3), At(2, 1)}}
	file := written(t, lanes, groups)
	want := [][]string{}
	for row := range lanes[0] {
		want = append(want, origins(t, open(t, file), int64(row)))
	}
	for i := range file {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := slices.Clone(file)
			bad[i] ^= flip
			r, err := Open(bytes.NewReader(bad), int64(len(bad)))
			for row := int64(0); err == nil && row < r.Rows(); row++ {
				err = r.Each(row, func(Origin) error { return nil })
				if err == nil && !slices.Equal(origins(t, r, row), want[row]) {
					t.Fatalf("byte %d changed by %x: row %d came from elsewhere", i, flip, row)
				}
			}
			if err == nil {
				t.Fatalf("byte %d changed by %x, and nothing was found", i, flip)
			}
		}
	}
	for n := range file {
		if _, err := Open(bytes.NewReader(file[:n]), int64(n)); err == nil {
			t.Fatalf("the first %d bytes of %d are taken for a file", n, len(file))
		}
	}
}

// Whatever the bytes are, reading them ends, with bounded memory. Footer and block are given the
// checksums that they should have, so that what lies behind them is reached.
func FuzzRead(f *testing.F) {
	file := written(f, [][]Place{{At(0, 2), None, At(6, 1)}}, [][]Place{{At(0, 0)}, {At(4, 3), At(2, 1)}})
	foot := func(lanes, sizes, members string) string {
		return `{"lanes":[{"places":` + lanes + `,"blocks":[{"places":` + lanes + `}]}],"inputs":[{"name":"a","files":["x"],"splits":[{"row":-1},{"group":1}]}],` +
			`"groups":[{"source":2,"sizes":{"places":` + sizes + `,"blocks":[{"places":` + sizes + `}]},"members":{"places":` + members + `,"blocks":[{"places":` + members + `}]}}]}`
	}
	f.Add(file, 3, "{}")
	f.Add([]byte{0, 1, 4, 0}, 2, foot("2", "2", "2"))
	f.Add([]byte{0, 3, 4, 1, 0, 6}, 3, foot("3", "1", "3"))
	f.Add([]byte{1, 0, 0x15}, 3, foot("3", "3", "3"))
	f.Fuzz(func(t *testing.T, raw []byte, places int, text string) {
		if r, err := Open(bytes.NewReader(raw), int64(len(raw))); err == nil {
			walkAll(r)
		}
		_, _ = decode(raw, places&(BlockPlaces-1))
		file := sealed(raw, text)
		if r, err := Open(bytes.NewReader(file), int64(len(file))); err == nil {
			walkAll(r)
		}
	})
}

func walkAll(r *Reader) {
	for row := int64(0); row < min(r.Rows(), 100); row++ {
		n := 0
		_ = r.Each(row, func(Origin) error {
			if n++; n > 1000 {
				return io.EOF
			}
			return nil
		})
	}
}

// sealed is a file of one block and a footer, all of whose blocks are that one.
func sealed(raw []byte, text string) []byte {
	var f footer
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return seal([]byte(magic), []byte(text))
	}
	packed := encoder.EncodeAll(raw, nil)
	all := []*index{}
	for i := range f.Lanes {
		all = append(all, &f.Lanes[i])
	}
	for i := range f.Groups {
		all = append(all, &f.Groups[i].Sizes, &f.Groups[i].Members)
	}
	for _, x := range all {
		for i := range x.Blocks {
			x.Blocks[i] = block{Offset: int64(len(magic)), Bytes: int64(len(packed)), Sum: xxh3.Hash(packed)}
		}
	}
	foot, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return seal(append([]byte(magic), packed...), foot)
}
