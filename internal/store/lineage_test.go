package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// chain are random versions of a pipeline of a few stages: each made of files, and of versions that
// were there.
func chain(r *rand.Rand, n int) (all []*pipeline.Manifest) {
	count := map[string]int64{}
	for i := range n {
		stage := r.IntN(5)
		m := &pipeline.Manifest{
			Pipeline: fmt.Sprint("p", stage/2), Stage: fmt.Sprint("s", stage), Dataset: fmt.Sprint("d", stage), Partition: fmt.Sprint("k", r.IntN(4)),
			Stages: []pipeline.StageRecord{{Name: fmt.Sprint("s", stage), Seconds: 0.5}}, Rows: r.Int64N(100), Run: fmt.Sprint("run", i), Actor: "a",
			Code: "c", Published: begin.Add(time.Duration(i) * time.Second), Files: []pipeline.File{{Path: "part", Bytes: 10, Rows: 1, SHA256: fmt.Sprint(i)}},
		}
		place := m.Dataset + "@" + m.Partition
		count[place]++
		m.Version = count[place]
		m.Inputs = append(m.Inputs, pipeline.InputRecord{Name: "raw", Source: "csv raw-*.csv", Files: []pipeline.File{{Path: fmt.Sprint("raw-", r.IntN(9)), SHA256: fmt.Sprintf("%04x", r.IntN(2))}}})
		for range r.IntN(3) {
			if len(all) > 0 {
				up := all[r.IntN(len(all))]
				m.Inputs = append(m.Inputs, pipeline.InputRecord{Name: up.Stage, Dataset: up.Dataset, Partition: up.Partition, Version: up.Version})
			}
		}
		if m.Version > 1 && r.IntN(6) == 0 {
			m.Release = &pipeline.Release{Version: m.Version - 1}
			m.Inputs = []pipeline.InputRecord{{Name: m.Stage, Dataset: m.Dataset, Partition: m.Partition, Version: m.Version - 1}}
		}
		all = append(all, m)
	}
	return all
}

func put(t *testing.T, s *Store, all []*pipeline.Manifest) {
	t.Helper()
	if err := s.Change(t.Context(), func(c *Changes) error {
		for _, m := range all {
			if err := c.PutVersion(Version{Manifest: m, Digest: m.Run}, true); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// told is all that a graph says of what is up and down of some nodes.
func told(t *testing.T, g *lineage.Graph, q LineageQuery) string {
	t.Helper()
	var b strings.Builder
	nodes := g.Find(q.Name, q.Partition, q.Version)
	for _, n := range nodes {
		for dir, asked := range map[lineage.Direction]bool{lineage.Up: q.Up, lineage.Down: q.Down} {
			if !asked {
				continue
			}
			text, err := json.MarshalIndent(g.Walk(n, dir, q.Depth), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%d: %s\n", dir, text)
		}
	}
	lines := strings.Split(b.String(), "\n")
	if len(nodes) > 1 || q.Up && q.Down {
		slices.Sort(lines) // ways come in no order
	}
	return strings.Join(lines, "\n")
}

// What the index reads of lineage is what all manifests together say, whatever is asked, a step at a
// time or as a whole.
func TestLineageAgreesWithManifests(t *testing.T) {
	was := leastWhole
	defer func() { leastWhole = was }()
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 3))
		all := chain(r, 40)
		s := open(t)
		put(t, s, all)
		whole := lineage.New(all)
		for range 25 {
			m := all[r.IntN(len(all))]
			q := LineageQuery{Name: m.Dataset, Up: r.IntN(3) > 0, Depth: r.IntN(6) - 1}
			q.Down = !q.Up || r.IntN(2) == 0
			switch r.IntN(4) {
			case 0:
				q.Name = m.Inputs[0].Name
				if files := m.Inputs[0].Files; len(files) > 0 {
					q.Name = files[0].Path + "#" + files[0].SHA256[:4]
				}
			case 1:
				q.Partition = m.Partition
			case 2:
				q.Partition, q.Version = m.Partition, m.Version
			}
			leastWhole = []int{was, 0, 5, 10}[r.IntN(4)]
			made, err := s.Lineage(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(told(t, whole, q), told(t, lineage.Build(made), q)); diff != "" {
				t.Fatalf("seed %d: %+v: %s", seed, q, diff)
			}
		}
		made, err := s.Lineage(t.Context(), LineageQuery{})
		if err != nil || len(made) != len(all) {
			t.Errorf("%d versions, %v", len(made), err)
		}
	}
}

// Flows are those of what was current at any time, with all that it holds.
func TestFlowsAreOfWhatIsCurrent(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 5))
		all := chain(r, 40)
		s := open(t)
		put(t, s, all)
		for _, at := range []time.Time{{}, begin.Add(20 * time.Second), begin.Add(-time.Second)} {
			flows, err := s.Flows(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]lineage.Held{}
			for _, f := range flows {
				held := got[f.Dataset]
				held.Add(f.Held)
				got[f.Dataset] = held
				if len(f.Stages) != 1 || f.Stages[0] != f.Stage || len(f.Inputs) == 0 || f.Inputs[len(f.Inputs)-1].Dataset == f.Dataset && len(f.Inputs) == 1 {
					t.Errorf("seed %d: %+v is of a release", seed, f)
				}
			}
			want := map[string]lineage.Held{}
			current := map[[2]string]*pipeline.Manifest{}
			for _, m := range all {
				if at.IsZero() || !m.Published.After(at) {
					current[[2]string{m.Dataset, m.Partition}] = m
				}
			}
			for _, m := range current {
				held := want[m.Dataset]
				held.Add(lineage.Held{Partitions: 1, First: m.Partition, Last: m.Partition, Rows: m.Rows, Bytes: 10, Seconds: 0.5})
				want[m.Dataset] = held
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("seed %d, at %v: %s", seed, at, diff)
			}
		}
	}
}

// An index that is older than the tables of lineage is filled when it is opened, and one that is
// written again says nothing twice.
func TestOlderIndexIsFilled(t *testing.T) {
	all := chain(rand.New(rand.NewPCG(1, 1)), 30)
	dir := t.TempDir()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, all)
	put(t, s, all)
	want := dump(t, s)
	for _, table := range lineageTables {
		if _, err := s.db.ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff := cmp.Diff(want, dump(t, s)); diff != "" {
		t.Error(diff)
	}
}

func dump(t *testing.T, s *Store) string {
	t.Helper()
	made, err := s.Lineage(context.Background(), LineageQuery{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(made, func(a, b *lineage.Made) int { return strings.Compare(a.Node().String(), b.Node().String()) })
	text := ""
	for _, m := range made {
		slices.SortFunc(m.Inputs, func(a, b lineage.Node) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		line, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("%v %s %v\n", m.Node(), line, m.Inputs)
	}
	return text
}
