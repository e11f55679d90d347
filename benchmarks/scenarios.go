package main

import "slices"

// way is one way to do what a scenario is about.
type way struct {
	name string
	job  job
	// before is done once, uncounted, in the way's directory, which is then kept.
	before *job
	// arrow says that it needs DuckDB's Arrow interface.
	arrow bool
	// light says that what it writes is compared by its key alone: it is too much.
	light bool

	samples []sample
	digest  string
}

// line compares a way of ours with the fastest of its peers, by CPU.
type line struct {
	title string
	ours  string
	peers []string
	aim   aim
}

// aim has the ratios that we want to stay under; 0: none. Peak is in MiB.
type aim struct{ cpu, wall, size, peak float64 }

// scenario is a job, the ways to do it, and what is compared.
type scenario struct {
	name, set string
	what      []string // what the sides do, a line each
	ways      []*way
	lines     []line
}

func (s *scenario) way(name string) *way {
	i := slices.IndexFunc(s.ways, func(w *way) bool { return w.name == name })
	if i < 0 {
		return nil
	}
	return s.ways[i]
}

// inputs are the files that scenarios read; an empty path leaves those of it out.
type inputs struct{ lineitem, flights string }

// allScenarios are those of the parquet page.
func allScenarios(in inputs, arrow bool) []*scenario {
	var all []*scenario
	for _, set := range []struct{ name, path string }{{"lineitem", in.lineitem}, {"flights", in.flights}} {
		if set.path == "" {
			continue
		}
		all = append(all,
			checksScan(set.name, set.path), checksEvidence(set.name, set.path), readAll(set.name, set.path, arrow),
			filterDeriveWrite(set.name, set.path), gatePublish(set.name, set.path), addColumn(set.name, set.path))
		if set.name == "lineitem" {
			all = append(all, workers(set.name, set.path))
		}
	}
	return all
}

// duckdbForms are the ways to check in SQL; the names are of those that look at every row.
func duckdbForms(set, path string) (ways []*way, names []string) {
	for _, f := range checkForms {
		w := &way{name: "DuckDB, " + f.label, job: job{Do: "duckdb-checks", Variant: f.name, Set: set, Path: path}}
		ways = append(ways, w)
		if f.name != pushed {
			names = append(names, w.name)
		}
	}
	return ways, names
}

func checksScan(set, path string) *scenario {
	peers, names := duckdbForms(set, path)
	return &scenario{
		name: "checks-scan", set: set,
		what: []string{
			"Penstock: `pipeline.Bind` and `Plan.Run` of a stage with nine `rows` rules and one `expect: sum(…) > 0`, without output; every row is looked at. Nothing is published, so the input is not hashed.",
			"DuckDB: one query over `read_parquet`; of the forms tried, the one with the least CPU is compared. A subquery for each rule has a table of its own: DuckDB skips the row groups whose statistics prove such a rule, and so does not look at every row.",
		},
		ways: append([]*way{{name: "Penstock", job: job{Do: "checks", Variant: "scan", Set: set, Path: path}}}, peers...),
		lines: []line{
			{"nine row checks and a sum, every row looked at", "Penstock", names, aim{cpu: 0.35, wall: 0.4}},
			{"every row looked at, beside DuckDB with statistics", "Penstock", []string{pushedWay}, aim{}},
		},
	}
}

func checksEvidence(set, path string) *scenario {
	peers, names := duckdbForms(set, path)
	return &scenario{
		name: "checks-evidence", set: set,
		what: []string{
			"Penstock: the same rules, decided by what the file says of itself where that proves them. Judged again: the file was published by the project, which has its metrics in the manifest; `penstock.Open`, `Project.Run` and `Close` are counted.",
			"DuckDB: the same queries as before, over the same rows; and the form that skips row groups by statistics too.",
		},
		ways: append([]*way{
			{name: "Penstock", job: job{Do: "checks", Set: set, Path: path}},
			{
				name: "Penstock, again", job: job{Do: "again", Set: set},
				before: &job{Do: "publish", Variant: "gates", Set: set, Path: path},
			},
		}, peers...),
		lines: []line{
			{"the same checks, first judgement", "Penstock", names, aim{cpu: 0.02}},
			{"the same checks, an unchanged file judged again", "Penstock, again", names, aim{cpu: 0.02}},
			{"the same checks, beside DuckDB with statistics", "Penstock", []string{pushedWay}, aim{}},
		},
	}
}

func readAll(set, path string, arrow bool) *scenario {
	s := &scenario{
		name: "read-all", set: set,
		what: []string{
			"Penstock: all columns of `parquet.Files(…).Resolve`, two goroutines over the splits, every batch released. Strings come as dictionaries where the file has them.",
			"DuckDB: `SELECT *` through the C interface, one consumer, two threads: \"Arrow stream\" has each chunk made into Arrow arrays as the result comes, \"Arrow, kept whole\" from a result that is in memory first (what duckdb-go's own interface does), \"chunks\" only looks at DuckDB's vectors and makes no Arrow. The Arrow ones are in a program built with the tag `duckdb_arrow`.",
			"arrow-go: `pqarrow`, two goroutines over the row groups, `Parallel: false`, batches of 65,536 rows; strings plain, or as dictionaries.",
			"All add up one integer column, so that the sums can be compared.",
		},
		ways: []*way{
			{name: "Penstock", job: job{Do: "read", Set: set, Path: path}},
			{name: "DuckDB, Arrow stream", arrow: true, job: job{Do: "duckdb-read", Variant: "arrow", Set: set, Path: path}},
			{name: "DuckDB, Arrow, kept whole", arrow: true, job: job{Do: "duckdb-read", Variant: "arrow-whole", Set: set, Path: path}},
			{name: "DuckDB, chunks", job: job{Do: "duckdb-read", Variant: "chunks", Set: set, Path: path}},
			{name: "pqarrow", job: job{Do: "pqarrow", Set: set, Path: path}},
			{name: "pqarrow, dictionaries", job: job{Do: "pqarrow", Variant: "dictionary", Set: set, Path: path}},
		},
		lines: []line{
			{"all columns into Arrow, beside DuckDB", "Penstock", []string{"DuckDB, Arrow stream", "DuckDB, Arrow, kept whole"}, aim{cpu: 0.25}},
			{"all columns, beside DuckDB without Arrow", "Penstock", []string{"DuckDB, chunks"}, aim{}},
			{"all columns into Arrow, beside pqarrow", "Penstock", []string{"pqarrow"}, aim{cpu: 0.25}},
			{"all columns into Arrow, beside pqarrow with dictionaries", "Penstock", []string{"pqarrow, dictionaries"}, aim{}},
		},
	}
	if !arrow {
		s.ways = slices.DeleteFunc(s.ways, func(w *way) bool { return w.arrow })
		s.lines = s.lines[1:]
	}
	return s
}

// copying is a scenario that publishes a file, beside DuckDB's COPY.
func copying(name, variant, set, path, title string, a aim, what ...string) *scenario {
	peer := func(suffix string) job {
		return job{Do: "duckdb-copy", Variant: variant + suffix, Set: set, Path: path}
	}
	return &scenario{
		name: name, set: set,
		what: what,
		ways: []*way{
			{name: "Penstock", job: job{Do: "publish", Variant: variant, Set: set, Path: path}},
			{name: "DuckDB", job: peer("")},
			{name: "DuckDB, order not kept", job: peer("-unordered")},
		},
		lines: []line{
			{title, "Penstock", []string{"DuckDB"}, a},
			{title + ", beside DuckDB without order", "Penstock", []string{"DuckDB, order not kept"}, aim{}},
		},
	}
}

func filterDeriveWrite(set, path string) *scenario {
	return copying("filter-derive-write", "filter", set, path, "half of the rows, two derived columns, three rules, zstd",
		aim{cpu: 0.6, size: 1.1},
		"Penstock: a project opened, a stage that filters, derives two columns, has three row rules and publishes zstd Parquet, the project closed.",
		"DuckDB: `COPY (SELECT …) TO … (FORMAT parquet, COMPRESSION zstd)`, then the three checks in one query over the written file.")
}

func gatePublish(set, path string) *scenario {
	return copying("gate-publish", "gates", set, path, "ten rules, nothing changed, published",
		aim{cpu: 0.1},
		"Penstock: a stage that changes nothing, has nine row rules and the sum, and publishes.",
		"DuckDB: the ten checks in one query, then `COPY (SELECT * …) TO …`.")
}

func addColumn(set, path string) *scenario {
	return copying("add-column", "column", set, path, "one derived column, published",
		aim{cpu: 0.35},
		"Penstock: a stage that derives one column and publishes; no gates.",
		"DuckDB: `COPY (SELECT *, … AS …) TO …`.")
}

func workers(set, path string) *scenario {
	s := &scenario{name: "workers", set: set, what: []string{
		"Penstock with one worker and with two: `checks-scan` and `filter-derive-write`. Both have both processors: with one worker the garbage collector may still use the other.",
	}}
	for _, of := range []struct {
		name string
		job  job
	}{
		{"checks-scan", job{Do: "checks", Variant: "scan", Set: set, Path: path}},
		{"filter-derive-write", job{Do: "publish", Variant: "filter", Set: set, Path: path}},
	} {
		one, two := of.job, of.job
		one.Workers, two.Workers = 1, 2
		a, b := &way{name: of.name + ", 2 workers", job: two}, &way{name: of.name + ", 1 worker", job: one}
		s.ways = append(s.ways, a, b)
		s.lines = append(s.lines, line{of.name + ", two workers beside one (0.56: 1.8 times as fast)", a.name, []string{b.name}, aim{wall: 1 / 1.8}})
	}
	return s
}

// largeMemory is the budget of the large scenario, in bytes; largePeak what a process
// may take with it, in MiB.
const (
	largeMemory = 1 << 30
	largePeak   = 1536
)

// large are the scenarios over files that don't fit in memory.
func large(quarter, full string) []*scenario {
	var all []*scenario
	for _, variant := range []string{"filter", "gates"} {
		s := &scenario{name: "large-" + variant, set: "lineitem", what: []string{
			"As " + map[string]string{"filter": "filter-derive-write", "gates": "gate-publish"}[variant] + ", with a budget of 1 GiB on both sides, on a file and on a quarter of it. Its row groups are those of the generated file, copied. Outputs are compared by count, sum and hashes of the key.",
		}}
		for _, size := range []struct{ name, path string }{{"a quarter of the file", quarter}, {"the whole file", full}} {
			for _, side := range []struct{ name, do string }{{"Penstock", "publish"}, {"DuckDB", "duckdb-copy"}} {
				s.ways = append(s.ways, &way{
					name: side.name + ", " + size.name, light: true,
					job: job{Do: side.do, Variant: variant, Set: "lineitem", Path: size.path, Memory: largeMemory},
				})
			}
			s.lines = append(s.lines, line{size.name, "Penstock, " + size.name, []string{"DuckDB, " + size.name}, aim{peak: largePeak}})
		}
		s.lines = append(s.lines, line{"the whole beside a quarter (4.0 is linear)", "Penstock, the whole file", []string{"Penstock, a quarter of the file"}, aim{cpu: 4.4, wall: 4.4}})
		all = append(all, s)
	}
	return all
}
