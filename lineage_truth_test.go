package penstock

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/penstock-data/penstock/internal/config"
	"github.com/penstock-data/penstock/internal/seed"
	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// truth is a project of two random pipelines whose structure the test knows: it works out by
// itself what each version is made of, and compares.
type truth struct {
	t   *testing.T
	r   *rand.Rand
	dir string
	p   *Project

	pipelines [2]*truthPipeline
	files     map[string]string // their digests, by path
	rows      map[string][]int  // what they hold, by path
	values    int               // the last that a row got: no two have the same
	zeros     int               // before the values of a file that is written otherwise

	versions map[place]int64
	holds    map[place][]int // what is current of it
	made     map[lineage.Node][]lineage.Node
	again    map[lineage.Node][]lineage.Node // of what a version was computed again, last, if that is not made
}

// place is a partition of a dataset.
type place struct{ dataset, partition string }

type truthPipeline struct {
	*pipeline.Pipeline
	stages []truthStage
}

// truthStage is a stage, and what it reads, by the names of sources and stages.
type truthStage struct {
	name    string
	dataset string // empty: it has no output
	reads   []truthInput
	sum     bool // of all values, instead of each
}

// truthInput is a source with a file, a stage of the same pipeline, or a dataset of the other; of
// what is published so many partitions up to that of the run.
type truthInput struct {
	file, stage, dataset string
	last                 int
}

var truthDays = []string{"2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"}

func newTruth(t *testing.T, seed uint64) *truth {
	x := &truth{
		t: t, r: rand.New(rand.NewPCG(seed, 7)), dir: t.TempDir(), files: map[string]string{}, rows: map[string][]int{},
		versions: map[place]int64{}, holds: map[place][]int{}, made: map[lineage.Node][]lineage.Node{}, again: map[lineage.Node][]lineage.Node{},
	}
	var err error
	if x.p, err = Open(t.Context(), x.dir, Options{Workers: 1, Actor: "test", Keep: 100}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.p.Close() })
	x.write("raw/c.csv")
	for _, day := range truthDays {
		x.write("raw/a-" + day + ".csv")
		x.write("raw/b-" + day + ".csv")
	}
	x.pipelines[0] = x.pipeline("first", nil)
	x.pipelines[1] = x.pipeline("second", x.pipelines[0].stages)
	return x
}

// write gives a file rows that no other has, and had.
func (x *truth) write(name string) {
	x.rows[name] = nil
	for range 1 + x.r.IntN(3) {
		x.values++
		x.rows[name] = append(x.rows[name], x.values*1000)
	}
	x.put(name)
}

// rewrite gives a file other bytes that say the same.
func (x *truth) rewrite(name string) {
	x.zeros++
	x.put(name)
}

func (x *truth) put(name string) {
	x.t.Helper()
	text := "v\n"
	for _, v := range x.rows[name] {
		text += strings.Repeat("0", x.zeros) + fmt.Sprintln(v)
	}
	at := filepath.Join(x.dir, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(at), 0o755)
	if err == nil {
		err = os.WriteFile(at, []byte(text), 0o644)
	}
	if err == nil {
		x.files[name], err = pipeline.HashFile(x.t.Context(), at)
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

// pipeline makes a random pipeline: each stage reads sources, stages before it, as they are or some
// partitions of them, and what the other pipeline publishes.
func (x *truth) pipeline(name string, others []truthStage) *truthPipeline {
	x.t.Helper()
	pl := &truthPipeline{}
	sources := "  c: {csv: raw/c.csv, schema: {v: int64}}\n"
	given := []truthInput{{file: "raw/c.csv", stage: "c"}}
	for _, s := range []string{"a", "b"} {
		sources += fmt.Sprintf("  %s: {csv: 'raw/%s-{partition}.csv', schema: {v: int64}}\n", s, s)
		given = append(given, truthInput{file: "raw/" + s + "-{partition}.csv", stage: s})
	}
	for _, s := range others {
		if s.dataset != "" {
			last := 1 + x.r.IntN(3)
			sources += fmt.Sprintf("  of_%s: {dataset: %s, last: %d, missing: skip, schema: {v: int64}}\n", s.name, s.dataset, last)
			given = append(given, truthInput{dataset: s.dataset, stage: "of_" + s.name, last: last})
		}
	}
	text := "name: " + name + "\npartitions: {by: day, from: " + truthDays[0] + ", to: " + truthDays[len(truthDays)-1] + "}\nsources:\n" + sources + "stages:\n"
	n := 1 + x.r.IntN(4)
	for i := range n {
		s := truthStage{name: fmt.Sprintf("%s_%d", name, i)}
		from := x.chosen(given, pl.stages)
		if i == n-1 {
			from = append(from, unread(pl.stages, from)...)
		}
		s.reads = from
		if i == n-1 || x.r.IntN(3) > 0 {
			s.dataset = "w/" + s.name
		}
		s.sum = x.r.IntN(3) == 0
		text += x.stageText(s)
		pl.stages = append(pl.stages, s)
	}
	var err error
	if pl.Pipeline, err = config.Parse("p.yaml", []byte(text), config.Options{}); err != nil {
		x.t.Fatalf("%v\n%s", err, text)
	}
	return pl
}

// chosen are some of the sources and stages, each once.
func (x *truth) chosen(given []truthInput, stages []truthStage) (all []truthInput) {
	for _, s := range stages {
		in := truthInput{stage: s.name}
		if s.dataset != "" {
			in.dataset, in.last = s.dataset, 1
			if x.r.IntN(3) == 0 {
				in.last = 2
			}
		}
		given = append(given, in)
	}
	for _, i := range x.r.Perm(len(given))[:1+x.r.IntN(2)] {
		all = append(all, given[i])
	}
	return all
}

// unread are stages without output that nothing reads.
func unread(stages []truthStage, also []truthInput) (all []truthInput) {
	for _, s := range stages {
		read := func(in truthInput) bool { return in.stage == s.name }
		used := slices.ContainsFunc(also, read)
		for _, other := range stages {
			used = used || slices.ContainsFunc(other.reads, read)
		}
		if s.dataset == "" && !used {
			all = append(all, truthInput{stage: s.name})
		}
	}
	return all
}

// stageText is a stage whose output is another for each other input.
func (x *truth) stageText(s truthStage) string {
	var from, parts []string
	for _, in := range s.reads {
		of := in.stage
		if in.last > 1 && in.file == "" && !strings.HasPrefix(in.stage, "of_") {
			of = fmt.Sprintf("{stage: %s, last: %d, missing: skip}", in.stage, in.last)
		}
		from, parts = append(from, in.stage+": "+of), append(parts, "SELECT v FROM "+in.stage)
	}
	op := "{sql: '" + strings.Join(parts, " UNION ALL ") + " ORDER BY v'}"
	if s.sum {
		op = "{sql: 'SELECT sum(v)::BIGINT AS v FROM (" + strings.Join(parts, " UNION ALL ") + ") ORDER BY v'}"
	}
	text := fmt.Sprintf("  %s:\n    from: {%s}\n    operators: [%s]\n", s.name, strings.Join(from, ", "), op)
	if s.dataset != "" {
		text += fmt.Sprintf("    output: {%s: %s}\n", []string{"parquet", "csv", "jsonl", "ipc"}[x.r.IntN(4)], s.dataset)
	}
	return text
}

// truthRead is what a stage reads, or makes of it: of which nodes, and which values.
type truthRead struct {
	from []lineage.Node
	rows []int
}

// ran works out what a run of a partition makes, and of what.
func (x *truth) ran(pl *truthPipeline, day string) {
	inside := map[string]truthRead{} // of stages without output
	for _, s := range pl.stages {
		var all truthRead
		for _, in := range s.reads {
			one := x.read(in, day, inside)
			all.from, all.rows = append(all.from, one.from...), append(all.rows, one.rows...)
		}
		all.from = distinct(all.from)
		if slices.Sort(all.rows); s.sum {
			all.rows = []int{total(all.rows)}
		}
		if s.dataset == "" {
			inside[s.name] = all
			continue
		}
		at := place{s.dataset, day}
		if now := x.node(at); now.Version > 0 && slices.Equal(x.holds[at], all.rows) {
			x.again[now] = all.from // it comes out as it was
			continue
		}
		x.versions[at]++
		x.made[x.node(at)], x.holds[at] = all.from, all.rows
	}
}

func total(values []int) (sum int) {
	for _, v := range values {
		sum += v
	}
	return sum
}

func (x *truth) read(in truthInput, day string, inside map[string]truthRead) (all truthRead) {
	switch {
	case in.file != "":
		name := strings.ReplaceAll(in.file, "{partition}", day)
		return truthRead{[]lineage.Node{{File: name, SHA256: x.files[name]}}, x.rows[name]}
	case in.dataset == "":
		return inside[in.stage]
	}
	at := slices.Index(truthDays, day)
	for _, before := range truthDays[max(0, at-in.last+1) : at+1] {
		of := place{in.dataset, before}
		if n := x.node(of); n.Version > 0 {
			all.from, all.rows = append(all.from, n), append(all.rows, x.holds[of]...)
		}
	}
	return all
}

func (x *truth) node(p place) lineage.Node {
	return lineage.Node{Dataset: p.dataset, Partition: p.partition, Version: x.versions[p]}
}

// distinct sorts nodes, and leaves each once.
func distinct(nodes []lineage.Node) []lineage.Node {
	if len(nodes) == 0 {
		return nil
	}
	slices.SortFunc(nodes, func(a, b lineage.Node) int { return strings.Compare(fmt.Sprint(a, a.SHA256), fmt.Sprint(b, b.SHA256)) })
	return slices.Compact(nodes)
}

func (x *truth) run(pl *truthPipeline, day string) {
	x.t.Helper()
	if _, err := x.p.Run(x.t.Context(), pl.Pipeline, day); err != nil {
		x.t.Fatal(err)
	}
	x.ran(pl, day)
}

// backfill brings all partitions of both pipelines up to date.
func (x *truth) backfill() {
	x.t.Helper()
	for _, pl := range x.pipelines {
		parts, err := pl.Partitions.Range("", "")
		if err != nil {
			x.t.Fatal(err)
		}
		rec, err := x.p.Backfill(context.Background(), pl.Pipeline, parts, BackfillOptions{})
		if err != nil || len(rec.Failed)+len(rec.Blocked) > 0 {
			x.t.Fatal(err, rec)
		}
		for _, day := range truthDays {
			x.ran(pl, day)
		}
	}
}

// check compares what is on record with the truth: of each version what it was made of, and of each
// file and version what is made of it, at any distance.
func (x *truth) check() {
	x.t.Helper()
	g, err := x.p.Lineage(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	down, holds := map[lineage.Node][]lineage.Node{}, map[lineage.Node][]lineage.Node{}
	for n, from := range x.made {
		all := from
		if last := x.again[n]; last != nil {
			all, from = distinct(append(slices.Clone(from), last...)), last
		}
		got := slices.DeleteFunc(g.Reach([]lineage.Node{n}, lineage.Up, 1), func(o lineage.Node) bool { return o == n })
		if diff := cmp.Diff(all, distinct(got)); diff != "" {
			x.t.Fatalf("%s was made of (-truth +record)\n%s", n, diff)
		}
		for _, f := range all {
			down[f] = append(down[f], n)
			if slices.Contains(from, f) {
				holds[f] = append(holds[f], n)
			}
		}
	}
	for n := range down {
		x.checkDown(g, n, distinct(closure(down, n)), distinct(closure(holds, n)))
	}
}

// checkDown compares what is made of a node with the truth, and what of that holds something of it as
// it is.
func (x *truth) checkDown(g *lineage.Graph, n lineage.Node, want, holding []lineage.Node) {
	x.t.Helper()
	if diff := cmp.Diff(want, distinct(g.Reach([]lineage.Node{n}, lineage.Down, -1))); diff != "" {
		x.t.Fatalf("%s is in (-truth +record)\n%s", n, diff)
	}
	if diff := cmp.Diff(x.current(holding), x.current(g.Holding([]lineage.Node{n}, -1))); diff != "" {
		x.t.Fatalf("%s is still in (-truth +record)\n%s", n, diff)
	}
	if n.File == "" {
		return
	}
	some, err := x.p.LineageOf(x.t.Context(), LineageQuery{Name: n.File + "#" + n.SHA256, Down: true, Depth: -1})
	if err != nil {
		x.t.Fatal(err)
	}
	if diff := cmp.Diff(want, distinct(some.Reach([]lineage.Node{n}, lineage.Down, -1))); diff != "" {
		x.t.Fatalf("asked of %s alone (-truth +record)\n%s", n, diff)
	}
	if diff := cmp.Diff(x.current(holding), x.current(some.Holding([]lineage.Node{n}, -1))); diff != "" {
		x.t.Fatalf("%s is still in, asked of it alone (-truth +record)\n%s", n, diff)
	}
}

// current are those of some nodes that readers see.
func (x *truth) current(nodes []lineage.Node) (all []lineage.Node) {
	for _, n := range nodes {
		if n.Dataset != "" && x.node(place{n.Dataset, n.Partition}) == n {
			all = append(all, n)
		}
	}
	return distinct(all)
}

func closure(edges map[lineage.Node][]lineage.Node, n lineage.Node) []lineage.Node {
	seen := map[lineage.Node]bool{}
	var visit func(lineage.Node)
	visit = func(n lineage.Node) {
		if !seen[n] {
			seen[n] = true
			for _, next := range edges[n] {
				visit(next)
			}
		}
	}
	visit(n)
	return slices.Collect(maps.Keys(seen))
}

// data is the digest of what readers see, of every partition.
func (x *truth) data() map[place]string {
	x.t.Helper()
	all := map[place]string{}
	for at := range x.versions {
		m, _, err := x.p.publish.Current(at.dataset, "day="+at.partition)
		if err != nil {
			x.t.Fatal(err)
		}
		all[at] = m.DataDigest()
	}
	return all
}

// What is on record of random runs of random pipelines is what they were made of; and where one
// file changes, just that becomes other data of which lineage says that the file is in it.
func TestLineageIsTheTruth(t *testing.T) {
	seeds := uint64(3)
	if seed.Long() {
		seeds = 100
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			x := newTruth(t, seed)
			names := slices.Sorted(maps.Keys(x.files))
			for range 12 {
				switch name := names[x.r.IntN(len(names))]; x.r.IntN(4) {
				case 0:
					x.write(name)
				case 1:
					x.rewrite(name)
				}
				x.run(x.pipelines[x.r.IntN(2)], truthDays[x.r.IntN(len(truthDays))])
			}
			x.check()
			x.backfill()
			x.check()
			for range 3 {
				x.rewrite(names[x.r.IntN(len(names))])
				x.backfill()
				x.check()
				x.perturb(names[x.r.IntN(len(names))])
			}
			x.check()
		})
	}
}

// perturb changes a file, brings everything up to date, and looks what came out otherwise.
func (x *truth) perturb(name string) {
	x.t.Helper()
	g, err := x.p.LineageOf(x.t.Context(), LineageQuery{Name: name + "#" + x.files[name], Down: true, Depth: -1})
	if err != nil {
		x.t.Fatal(err)
	}
	want := map[place]bool{}
	for _, n := range x.current(g.Holding([]lineage.Node{{File: name, SHA256: x.files[name]}}, -1)) {
		want[place{n.Dataset, n.Partition}] = true
	}
	was := x.data()
	x.write(name)
	x.backfill()
	got := map[place]bool{}
	for at, data := range x.data() {
		if was[at] != data {
			got[at] = true
		}
	}
	if !maps.Equal(want, got) {
		x.t.Fatalf("%s was changed, and with it %v; by lineage it is in %v", name, got, want)
	}
}
