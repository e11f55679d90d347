package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
)

// checkForms are ways to write row checks in one query; all are run, and the fastest is
// the peer. The coarse ones say less than we do: not how many rows broke each rule.
var checkForms = []struct {
	name, label, each string
	coarse            bool
}{
	{"filter", "count(*) FILTER", "count(*) FILTER (WHERE NOT ($P))", false},
	{"count_if", "count_if", "count_if(NOT ($P))", false},
	{"case", "sum(CASE)", "sum(CASE WHEN NOT ($P) THEN 1 ELSE 0 END)::BIGINT", false},
	{"cast", "sum of casts", "sum((NOT ($P))::TINYINT)::BIGINT", false},
	{"bool_and", "bool_and", "(NOT bool_and($P))::BIGINT", true},
	{"all", "one count for all nine", "", true},
	// Its filters are held against the file's statistics: DuckDB's own evidence. It is
	// beside the scan, and not compared with it.
	{pushed, "a subquery for each rule", "(SELECT count(*) FROM read_parquet('$FILE') WHERE NOT ($P))", false},
}

// pushed is the form that skips row groups; pushedWay is what it is called in scenarios.
const (
	pushed    = "pushed"
	pushedWay = "DuckDB, a subquery for each rule"
)

// checkQuery is one query for all of the rules and the sum over a file; its columns are
// the rows, the sum, and what broke each rule.
func checkQuery(rules []pair, sum, form, path string) (text string, coarse bool) {
	columns := []string{"count(*)", "0::DOUBLE"}
	if sum != "" {
		columns[1] = "sum(" + sum + ")::DOUBLE"
	}
	var all []string
	for _, f := range checkForms {
		if f.name != form {
			continue
		}
		coarse = f.coarse
		for _, p := range rules {
			all = append(all, "("+p.sql+")")
			if f.each != "" {
				columns = append(columns, strings.NewReplacer("$P", p.sql, "$FILE", path).Replace(f.each))
			}
		}
	}
	if form == "all" {
		columns = append(columns, "count(*) FILTER (WHERE NOT ("+strings.Join(all, " AND ")+"))")
	}
	return fmt.Sprintf("SELECT %s FROM read_parquet('%s')", strings.Join(columns, ",\n\t"), path), coarse
}

// connect opens DuckDB with as many threads and as much memory as the job has.
func connect(j job) (*sql.DB, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	for _, text := range settings(j) {
		if _, err := db.Exec(text); err != nil {
			db.Close()
			return nil, err
		}
	}
	return db, nil
}

// settings are those of DuckDB for a job.
func settings(j job) []string {
	all := []string{fmt.Sprintf("SET threads = %d", j.workers())}
	if j.Memory > 0 {
		all = append(all, fmt.Sprintf("SET memory_limit = '%dB'", j.Memory), fmt.Sprintf("SET temp_directory = '%s'", filepath.Join(j.Dir, "spill")))
	}
	if j.Do == "duckdb-copy" && strings.HasSuffix(j.Variant, "-unordered") {
		all = append(all, "SET preserve_insertion_order = false")
	}
	return all
}

// duckdbChecks runs the checks as one query, in the form of the job's variant.
func duckdbChecks(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	db, err := connect(j)
	if err != nil {
		return outcome{}, err
	}
	defer db.Close()
	var out outcome
	m := begin()
	if err := out.query(db, s.rules, s.sum, j.Variant, j.Path); err != nil {
		return outcome{}, err
	}
	out.Work = m.end()
	return out, nil
}

// query runs one query of checks and takes in its answer.
func (o *outcome) query(db *sql.DB, rules []pair, sum, form, path string) error {
	text, coarse := checkQuery(rules, sum, form, path)
	o.Coarse = coarse
	o.Failed = make([]int64, len(rules))
	if form == "all" {
		o.Failed = o.Failed[:1]
	}
	into := []any{&o.Rows, &o.Sum}
	for i := range o.Failed {
		into = append(into, &o.Failed[i])
	}
	return db.QueryRow(text).Scan(into...)
}

// duckdbCopy does what a pipeline that publishes does: "gates" checks and copies,
// "filter" copies a part with derived columns and checks the copy, "column" adds a column.
func duckdbCopy(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	db, err := connect(j)
	if err != nil {
		return outcome{}, err
	}
	defer db.Close()
	path := filepath.Join(j.Dir, "out.parquet")
	out := outcome{Files: []string{path}}
	m := begin()
	switch strings.TrimSuffix(j.Variant, "-unordered") {
	case "gates":
		err = out.query(db, s.rules, s.sum, "filter", j.Path)
		if err == nil {
			err = copyTo(db, "SELECT * FROM read_parquet('"+j.Path+"')", path)
		}
	case "filter":
		err = copyTo(db, fmt.Sprintf("SELECT *%s FROM read_parquet('%s') WHERE %s", columnsOf(s.derived), j.Path, s.keep.sql), path)
		if err == nil {
			err = out.query(db, s.kept, "", "filter", path)
		}
	case "column":
		err = copyTo(db, fmt.Sprintf("SELECT *%s FROM read_parquet('%s')", columnsOf([]named{s.extra}), j.Path), path)
	}
	if err != nil {
		return outcome{}, err
	}
	out.Work = m.end()
	return out, nil
}

func columnsOf(columns []named) string {
	var b strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&b, ", %s AS %s", c.sql, c.name)
	}
	return b.String()
}

func copyTo(db *sql.DB, query, path string) error {
	_, err := db.Exec(fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet, COMPRESSION zstd)", query, path))
	return err
}

// digest gives a text that two files share whose schemas are equal and whose rows are the
// same, in any order: their number, and the sum and XOR of their hashes. The variant
// "light" looks at the key alone.
func digest(j job) (outcome, error) {
	s, err := j.set()
	if err != nil {
		return outcome{}, err
	}
	db, err := connect(j)
	if err != nil {
		return outcome{}, err
	}
	defer db.Close()
	hashed := "hash(t)"
	if j.Variant == "light" {
		hashed = "hash(" + s.key + ")"
	}
	var rows, schema string
	from := fmt.Sprintf("read_parquet('%s')", j.Path)
	text := fmt.Sprintf("SELECT concat_ws(' ', count(*), sum(%s), bit_xor(h), sum(h::HUGEINT)) FROM (SELECT %s, %s AS h FROM %s t)", s.key, s.key, hashed, from)
	if err := db.QueryRow(text).Scan(&rows); err != nil {
		return outcome{}, err
	}
	text = fmt.Sprintf("SELECT string_agg(column_name || ' ' || column_type, ', ') FROM (DESCRIBE SELECT * FROM %s)", from)
	if err := db.QueryRow(text).Scan(&schema); err != nil {
		return outcome{}, err
	}
	return outcome{Digest: rows + "; " + schema}, nil
}
