package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/internal/trace"
)

// placePrefix begins the names of place columns. No column of a stage that is followed may
// have such a name.
const placePrefix = "penstock.place."

// PlaceField is the i-th of the columns that tell, behind those of the rows, where each row
// came from. They go through blocking operators, and are seen by nobody else.
func PlaceField(i int) arrow.Field {
	return arrow.Field{Name: fmt.Sprint(placePrefix, i), Type: arrow.PrimitiveTypes.Int64, Nullable: true}
}

// Places is how many place columns a schema has. They are the last.
func Places(s *arrow.Schema) (n int) {
	for n < s.NumFields() && strings.HasPrefix(s.Field(s.NumFields()-1-n).Name, placePrefix) {
		n++
	}
	return n
}

// WithPlaces is a schema with so many place columns behind its own.
func WithPlaces(s *arrow.Schema, n int) *arrow.Schema {
	fields := append([]arrow.Field{}, s.Fields()...)
	for i := range n {
		fields = append(fields, PlaceField(i))
	}
	return arrow.NewSchema(fields, nil)
}

// following says where the rows of a fragment come from, and who wants to know it of those
// that leave.
type following struct {
	// lanes is how many place columns rows come in with. Where it is 0, they are of a source,
	// or of several of which each unit is one: base is the place of the first row.
	lanes int
	base  trace.Place
	// widens says that rows leave with place columns; tells is told, in the order of the units.
	widens bool
	tells  func(located) error
}

// located is where the rows that leave a unit came from: by lane, or in blocks that are packed
// already, of many rows that have one place each.
type located struct {
	lanes  []laneRuns
	blocks []trace.Block
}

// laneRuns are places, of which many follow each other.
type laneRuns []placeRun

type placeRun struct {
	first trace.Place
	n     int64
}

func (l *laneRuns) add(first trace.Place, n int64) {
	if len(*l) > 0 {
		last := &(*l)[len(*l)-1]
		if last.first == trace.None && first == trace.None || last.first != trace.None && first == last.first+trace.Place(last.n) {
			last.n += n
			return
		}
	}
	*l = append(*l, placeRun{first, n})
}

// width is how many places each row has.
func (f *following) width() int { return max(1, f.lanes) }

func (f *following) wanted() bool { return f != nil && (f.widens || f.tells != nil) }

// columns are those that are read of a spool: its place columns as well.
func (f *following) columns(names []string) []string {
	if f == nil || f.lanes == 0 {
		return names
	}
	all := append([]string{}, names...)
	for i := range f.lanes {
		all = append(all, PlaceField(i).Name)
	}
	return all
}

func (f *following) tell(c *carried) error {
	if f == nil || f.tells == nil {
		return nil
	}
	places := c.places
	c.places = located{}
	return f.tells(places)
}

// strip takes the place columns off a batch, which it retains.
func (t *trip) strip(b arrow.RecordBatch) arrow.RecordBatch {
	if t.follows == nil || t.follows.lanes == 0 {
		b.Retain()
		return b
	}
	own := int(b.NumCols()) - t.follows.lanes
	if t.lanes == nil {
		t.lanes = make([][]trace.Place, t.follows.lanes)
	}
	for i := range t.lanes {
		col := b.Column(own + i).(*array.Int64)
		for j, v := range col.Int64Values() {
			if col.IsNull(j) {
				v = int64(trace.None)
			}
			t.lanes[i] = append(t.lanes[i], trace.Place(v))
		}
	}
	return array.NewRecordBatch(arrow.NewSchema(b.Schema().Fields()[:own], nil), b.Columns()[:own], b.NumRows())
}

// locate finds out where the rows that leave the unit came from.
func (t *trip) locate() {
	if !t.follows.wanted() {
		return
	}
	t.carried.places.lanes = make([]laneRuns, t.follows.width())
	if t.reading.ends == len(t.steps) && t.unread() > 0 {
		t.locateAll()
		return
	}
	rows := 0
	for _, p := range t.pieces {
		rows += len(p.at)
	}
	if rows >= packedRows && t.follows.lanes == 0 && !t.follows.widens {
		t.pack(rows)
		return
	}
	for _, p := range t.pieces {
		for i := 0; i < len(p.at); {
			n := 1
			for i+n < len(p.at) && p.at[i+n] == p.at[i]+int32(n) {
				n++
			}
			t.came(int(p.at[i]), n)
			i += n
		}
	}
}

// packedRows is from how many rows on where they came from is packed by the worker. Of fewer it is
// packed together with that of other units.
const packedRows = 4096

// pack is locate of many rows.
func (t *trip) pack(rows int) {
	at := make([]int32, 0, rows)
	for _, p := range t.pieces {
		at = append(at, p.at...)
	}
	for some := range slices.Chunk(at, trace.BlockPlaces) {
		t.carried.places.blocks = append(t.carried.places.blocks, trace.Pack(t.follows.base+t.work.start, some))
	}
}

// locateAll is locate where rows that were not read leave as well.
func (t *trip) locateAll() {
	rows := t.left(t.pieces, true)
	for i := 0; i < len(rows); {
		n := 0
		for i+n < len(rows) && rows[i+n] {
			n++
		}
		if n > 0 {
			t.came(i, n)
		}
		i += n + 1
	}
}

// came says that n rows of the unit leave.
func (t *trip) came(at, n int) {
	if t.follows.lanes == 0 {
		t.carried.places.lanes[0].add(t.follows.base+t.work.start+trace.Place(at), int64(n))
		return
	}
	for i, lane := range t.lanes {
		for _, p := range lane[at : at+n] {
			t.carried.places.lanes[i].add(p, 1)
		}
	}
}

// widen gives the batches that leave their place columns.
func (t *trip) widen() error {
	if t.follows == nil || !t.follows.widens {
		return nil
	}
	lanes := make([]*placeReader, len(t.carried.places.lanes))
	for i, runs := range t.carried.places.lanes {
		lanes[i] = &placeReader{runs: runs}
	}
	t.carried.places = located{}
	for i, b := range t.carried.batches {
		cols := append([]arrow.Array{}, b.Columns()...)
		for _, lane := range lanes {
			col := lane.next(t.env, int(b.NumRows()))
			defer col.Release()
			cols = append(cols, col)
		}
		wide := array.NewRecordBatch(WithPlaces(b.Schema(), len(lanes)), cols, b.NumRows())
		t.carried.batches[i] = wide
		b.Release()
	}
	for _, lane := range lanes {
		if len(lane.runs) > 0 {
			return Errorf(Internal, "%s: more rows were followed than left", t.work.Name)
		}
	}
	return nil
}

// placeReader gives runs as columns.
type placeReader struct{ runs laneRuns }

func (r *placeReader) next(env *Env, n int) arrow.Array {
	b := array.NewInt64Builder(env.Alloc)
	defer b.Release()
	b.Reserve(n)
	for n > 0 && len(r.runs) > 0 {
		run := &r.runs[0]
		some := min(int64(n), run.n)
		for i := range some {
			if run.first == trace.None {
				b.AppendNull()
			} else {
				b.Append(int64(run.first) + i)
			}
		}
		if run.first != trace.None {
			run.first += trace.Place(some)
		}
		if run.n -= some; run.n == 0 {
			r.runs = r.runs[1:]
		}
		n -= int(some)
	}
	return b.NewArray()
}
