package penstock

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/pipeline"
)

// randomStages is a graph in which any stage may block: the i-th does so on a row with the id 100+i.
// Each reads one before it, and may look something up in another. What is published always is made
// of nothing that is not.
type randomStages struct {
	pl *pipeline.Pipeline
	up [][]int // of each stage
}

func newRandomStages(r *rand.Rand) *randomStages {
	g := &randomStages{}
	for i := range 2 + r.IntN(6) {
		from, rules := "orders", []gates.Rule{rows(fmt.Sprint("rule", i), fmt.Sprintf("id != %d", 100+i))}
		var up []int
		if i > 0 && r.IntN(4) > 0 {
			up = append(up, r.IntN(i))
			from = fmt.Sprint("s", up[0])
		}
		if i > 0 && r.IntN(4) == 0 {
			if j := r.IntN(i); !slices.Contains(up, j) {
				up = append(up, j)
				rules = append(rules, gates.Rule{Name: fmt.Sprint("known", i), Check: gates.References("id", fmt.Sprint("s", j), "id")})
			}
		}
		g.up = append(g.up, up)
		s := stage(fmt.Sprint("s", i), from, r.IntN(2) == 0, rules...)
		stages := append(slices.Clone(g.stages()), s)
		if s.Output != nil && r.IntN(3) > 0 {
			s.Output.Always = true
			if len(blockable(stages...).Check()) > 0 {
				s.Output.Always = false
			}
		}
		g.pl = blockable(stages...)
	}
	return g
}

func (g *randomStages) stages() []pipeline.Stage {
	if g.pl == nil {
		return nil
	}
	return g.pl.Stages
}

// made reports whether a stage is one, or made of one at any distance, that a set has.
func (g *randomStages) made(i int, of map[int]bool) bool {
	return of[i] || slices.ContainsFunc(g.up[i], func(j int) bool { return g.made(j, of) })
}

// want is what a run publishes of which some stages block.
func (g *randomStages) want(blocked map[int]bool) (names []string) {
	for i, s := range g.pl.Stages {
		if s.Output != nil && (len(blocked) == 0 || s.Output.Always && !g.made(i, blocked)) {
			names = append(names, "out/"+s.Name)
		}
	}
	return names
}

func datasetsOf(outputs []pipeline.OutputRecord) (names []string) {
	for _, o := range outputs {
		names = append(names, o.Dataset)
	}
	slices.Sort(names)
	return names
}

// Whatever the graph, and whichever of its stages block: what a run publishes is all, or what is a
// record and not made of anything that blocks. All else is as it was, and what is held comes out
// with an approval of everything.
func TestNothingGetsOutBesideARecord(t *testing.T) {
	n := 25
	if os.Getenv("PENSTOCK_LONG") != "" {
		n = 400
	}
	seen := map[string]int{}
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		g := newRandomStages(r)
		p := approvable(t, Options{})
		visible := map[string]bool{}
		for step := range 4 {
			where := fmt.Sprintf("seed %d, step %d, %s", seed, step, g)
			blocked, text := map[int]bool{}, fmt.Sprintf("id,amount\n1,%d\n", step)
			for i := range g.pl.Stages {
				if r.IntN(6) == 0 {
					blocked[i] = true
					text += fmt.Sprintf("%d,1\n", 100+i)
				}
			}
			if err := os.WriteFile(filepath.Join(p.dir, "orders-eu.csv"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			rec, err := p.Run(t.Context(), g.pl, "eu")
			if err != nil {
				t.Fatal(where, err)
			}
			got, want := datasetsOf(rec.Outputs), g.want(blocked)
			if !slices.Equal(got, want) || (rec.Status == pipeline.Blocked) != (len(blocked) > 0) {
				t.Errorf("%s: %s, published %v, want %v; %v block", where, rec.Status, got, want, blocked)
			}
			seen[fmt.Sprint(rec.Status, len(got) > 0)]++
			for _, h := range rec.Held {
				if slices.Contains(got, h.Dataset) {
					t.Errorf("%s: %s was published and is held", where, h.Dataset)
				}
			}
			for _, name := range got {
				visible[name] = true
			}
			if rec.Status == pipeline.Blocked && r.IntN(2) == 0 {
				for _, name := range g.approve(t, where, p, rec) {
					visible[name] = true
					seen["approved"]++
				}
			}
			for _, s := range g.pl.Stages {
				if s.Output == nil {
					continue
				}
				_, err := p.Current(s.Output.Path, pipeline.Partition{By: pipeline.Key, Value: "eu"})
				if (err == nil) != visible[s.Output.Path] {
					t.Errorf("%s: readers of %s: %v", where, s.Output.Path, err)
				}
			}
			sound(t, p)
		}
		if t.Failed() {
			return
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(seen)
	for _, what := range []string{"blockedtrue", "blockedfalse", "approved"} {
		if seen[what] == 0 {
			t.Errorf("%s was never seen: %v", what, seen)
		}
	}
}

// approve approves of all that blocks a run, and gives what that published.
func (g *randomStages) approve(t *testing.T, where string, p *Project, rec *pipeline.RunRecord) []string {
	t.Helper()
	var names []string
	for _, f := range rec.Gates {
		if f.Blocks() {
			names = append(names, f.Stage+"/"+f.Name)
		}
	}
	done, err := p.Approve(t.Context(), rec.Run, Approve{Gates: names, Reason: "r"})
	switch {
	case len(rec.Held) == 0:
		if err == nil || !strings.Contains(err.Error(), "holds nothing that could be published") {
			t.Errorf("%s: %v", where, err)
		}
		return nil
	case err != nil:
		t.Fatal(where, err)
	case len(done.Awaiting) > 0:
		return nil // a stage of which nothing is staged
	}
	all := datasetsOf(rec.Outputs)
	for _, h := range rec.Held {
		all = append(all, h.Dataset)
	}
	slices.Sort(all)
	if got := datasetsOf(done.Run.Outputs); !slices.Equal(got, all) {
		t.Errorf("%s: approved, and published %v, want %v", where, got, all)
	}
	return all
}

// String is the graph in a line.
func (g *randomStages) String() string {
	var all []string
	for _, s := range g.pl.Stages {
		text := s.Name + "<" + strings.Join(s.Inputs(), ",")
		if s.Output != nil {
			text += ">out"
			if s.Output.Always {
				text += "!"
			}
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}
