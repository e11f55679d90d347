package gates

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/zeebo/xxh3"

	"github.com/penstock-data/penstock/internal/rows"
	"github.com/penstock-data/penstock/pipeline"
)

// maxGroups bounds the groups of a rule with `by`.
const maxGroups = 10_000

var errGroups = &pipeline.Error{
	Kind: pipeline.Invalid, Msg: fmt.Sprintf("there are more than %d groups", maxGroups),
	Evidence: []string{"choose columns of fewer values for `by`"},
}

// groups says which rows of a batch belong to which group.
type groups struct {
	keys []string // of each group, as a JSON list of its columns' values
	rows [][]int
}

// groupRows cuts a batch into the groups of its columns, in the order in which they come.
func groupRows(b arrow.RecordBatch, columns []int) *groups {
	g := &groups{}
	seen := map[xxh3.Uint128]int{}
	for row, h := range rows.Keys(nil, b, columns) {
		i, ok := seen[h]
		if !ok {
			i = len(g.keys)
			seen[h] = i
			g.keys, g.rows = append(g.keys, groupKey(b, columns, row)), append(g.rows, nil)
		}
		g.rows[i] = append(g.rows[i], row)
	}
	return g
}

func groupKey(b arrow.RecordBatch, columns []int, row int) string {
	values := make([]any, len(columns))
	for i, c := range columns {
		if b.Column(c).IsValid(row) {
			values[i] = groupValue(b.Column(c).ValueStr(row))
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // a list of texts
	}
	return string(text)
}

// groupValue is a value that is equal where the keys of rows are, and JSON can keep.
func groupValue(text string) any {
	switch {
	case text == "-0":
		return "0"
	case !utf8.ValidString(text):
		return []string{hex.EncodeToString([]byte(text))} // no text is so
	}
	return text
}

// groupName is a group for people: "region=eu, kind=null".
func groupName(by []string, key string) string {
	var values []*string
	if json.Unmarshal([]byte(key), &values) != nil || len(values) != len(by) {
		return key
	}
	var parts []string
	for i, v := range values {
		value := "null"
		if v != nil {
			value = *v
		}
		parts = append(parts, by[i]+"="+value)
	}
	return strings.Join(parts, ", ")
}

// grouped has a state for each group of rows.
type grouped struct {
	metric *boundMetric
	with   means
	of     map[string]state
	over   bool
}

func newGrouped(m *boundMetric, with means) *grouped {
	return &grouped{metric: m, with: with, of: map[string]state{}}
}

// group gives the state of a group, beginning it if it is new; nil if there are too many.
func (g *grouped) group(key string) state {
	s := g.of[key]
	if s == nil && len(g.of) < maxGroups {
		s = g.metric.fn.open(g.metric.types, g.metric.given, g.with)
		g.of[key] = s
	}
	g.over = g.over || s == nil
	return s
}

// updateGroups gives each group the values of its rows.
func (g *grouped) updateGroups(ctx context.Context, args []arrow.Array, of *groups, env *pipeline.Env) error {
	for i, key := range of.keys {
		s := g.group(key)
		if s == nil {
			return nil
		}
		some := make([]arrow.Array, len(args))
		for j, arg := range args {
			taken, err := take(ctx, arg, of.rows[i], env)
			if err != nil {
				return err
			}
			defer taken.Release()
			some[j] = taken
		}
		if err := updateState(s, some, int64(len(of.rows[i]))); err != nil {
			return err
		}
	}
	return nil
}

// take gives some values of an array.
func take(ctx context.Context, values arrow.Array, rows []int, env *pipeline.Env) (arrow.Array, error) {
	b := array.NewInt64Builder(env.Alloc)
	defer b.Release()
	for _, row := range rows {
		b.Append(int64(row))
	}
	at := b.NewArray()
	defer at.Release()
	return compute.TakeArray(compute.WithAllocator(ctx, env.Alloc), values, at)
}

// groupTally counts by group what a rule finds.
type groupTally struct {
	rule   *tally
	of     map[string]*tally
	groups *groups
	index  []int // the group of each row
}

// groupTally is nil for a rule without `by`.
func (w *witness) groupTally(i int, r *boundRule, v *view) *groupTally {
	if len(r.by) == 0 {
		return nil
	}
	if w.groups[i] == nil {
		w.groups[i] = map[string]*tally{}
	}
	g := &groupTally{rule: &w.tallies[i], of: w.groups[i], groups: v.grouped(r.by), index: make([]int, v.batch.NumRows())}
	for at, rows := range g.groups.rows {
		for _, row := range rows {
			g.index[row] = at
		}
	}
	return g
}

// count counts a row that was tested. Of a nil groupTally it does nothing.
func (g *groupTally) count(row int, failed bool) {
	if g == nil {
		return
	}
	key := g.groups.keys[g.index[row]]
	if t := g.rule.group(g.of, key); t != nil {
		t.tested++
		if failed {
			t.failed++
		}
	}
}

// group is the tally of a group, which is begun if it is new. There are no more than
// maxGroups: of one more the rule itself is told, and there is none.
func (t *tally) group(of map[string]*tally, key string) *tally {
	if of[key] == nil {
		if len(of) == maxGroups {
			t.errs++
			t.err = errGroups.Msg
			return nil
		}
		of[key] = &tally{}
	}
	return of[key]
}

// countAll counts the rows that were tested. Of a nil groupTally it does nothing.
func (g *groupTally) countAll(tested, failed rowBits) {
	if g == nil {
		return
	}
	for _, row := range tested.rows(-1) {
		g.count(row, failed.has(row))
	}
}

// update is not for groups: the witness updates each of them.
func (g *grouped) update(arrow.Array, int64) error {
	return pipeline.Errorf(pipeline.Internal, "a metric with groups is updated as a whole")
}

func (g *grouped) merge(other state) error {
	o := other.(*grouped)
	g.over = g.over || o.over
	for _, key := range slices.Sorted(maps.Keys(o.of)) {
		s := g.group(key)
		if s == nil {
			return nil
		}
		if err := s.merge(o.of[key]); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON writes the states by their groups.
func (g *grouped) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"groups": g.of, "over": g.over})
}

// UnmarshalJSON implements loader.
func (g *grouped) UnmarshalJSON(text []byte) error {
	var in struct {
		Groups map[string]json.RawMessage `json:"groups"`
		Over   bool                       `json:"over"`
	}
	if err := strict(text, &in, 2); err != nil {
		return err
	}
	if len(in.Groups) > maxGroups {
		return errors.New("too many groups")
	}
	of := map[string]state{}
	for key, text := range in.Groups {
		s, ok := g.metric.fn.open(g.metric.types, g.metric.given, g.with).(loader)
		if !ok {
			return errors.New("a metric that can't be read again")
		}
		if err := s.UnmarshalJSON(text); err != nil {
			return err
		}
		of[key] = s
	}
	g.of, g.over = of, in.Over
	return nil
}
