package main

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/penstock-data/penstock/internal/expr"
)

// The expressions that people write, and the same in SQL.
var pairs = []struct{ cel, sql string }{
	{`distance > 0`, `distance > 0`},
	{`delay >= -60 && delay <= 720`, `delay >= -60 AND delay <= 720`},
	{`delay > 15 || distance > 2500`, `delay > 15 OR distance > 2500`},
	{`taxi > 10`, `taxi > 10`},
	{`taxi == null`, `taxi IS NULL`},
	{`taxi == null || taxi < 120`, `taxi IS NULL OR taxi < 120`},
	{`distance + delay`, `distance + delay`},
	{`distance * 2 - delay`, `distance * 2 - delay`},
	{`distance / 60`, `distance // 60`},
	{`abs(delay)`, `abs(delay)`},
	{`coalesce(taxi, 0) + delay`, `coalesce(taxi, 0) + delay`},
	{`delay > 0 ? delay : 0`, `CASE WHEN delay > 0 THEN delay ELSE 0 END`},
	{`price * (1.0 - discount)`, `price * (1.0::DOUBLE - discount)`},
	{`price * (1.0 - discount) >= 0.0`, `price * (1.0::DOUBLE - discount) >= 0.0::DOUBLE`},
	{`double(distance) * 1.6`, `distance::DOUBLE * 1.6::DOUBLE`},
	{`distance in [100, 200, 300, 400, 500]`, `distance IN (100, 200, 300, 400, 500)`},
	{`origin == "A17"`, `origin = 'A17'`},
	{`origin != destination`, `origin != destination`},
	{`origin in ["A01", "A02", "A03", "A99"]`, `origin IN ('A01', 'A02', 'A03', 'A99')`},
	{`origin.matches("^[A-Z0-9]{3}$")`, `regexp_matches(origin, '^[A-Z0-9]{3}$')`},
	{`size(origin) == 3 && origin.startsWith("A")`, `length(origin) = 3 AND starts_with(origin, 'A')`},
	{`carrier == "carrier 7"`, `carrier = 'carrier 7'`},
	{`carrier.startsWith("carr")`, `starts_with(carrier, 'carr')`},
	{`carrier.contains("99")`, `contains(carrier, '99')`},
	{`carrier.matches("^carrier [0-9]+$")`, `regexp_matches(carrier, '^carrier [0-9]+$')`},
	{`like(carrier, "%er 1%")`, `carrier LIKE '%er 1%'`},
	{`size(carrier) <= 13`, `length(carrier) <= 13`},
	{`lower(carrier) == "carrier 1"`, `lower(carrier) = 'carrier 1'`},
	{`date >= "2001-02-01"`, `date >= TIMESTAMP '2001-02-01'`},
	{`month(date)`, `month(date)`},
	{`hour(date) >= 6 && hour(date) <= 22`, `hour(date) >= 6 AND hour(date) <= 22`},
	{`date - date2 < duration("24h")`, `date - date2 < INTERVAL 24 HOUR`},
}

// ruleSet are twenty row rules as a stage has them.
var ruleSet = []string{
	`distance > 0`, `distance < 6000`, `delay >= -60`, `delay <= 720`, `delay >= -60 && delay <= 720`, `origin != null`, `destination != null`,
	`origin.matches("^[A-Z0-9]{3}$")`, `destination.matches("^[A-Z0-9]{3}$")`, `origin in ["A01", "A02", "A03"] || distance > 0`, `size(origin) == 3`,
	`price >= 0.0`, `price * (1.0 - discount) >= 0.0`, `discount >= 0.0 && discount < 1.0`, `taxi == null || taxi < 120`, `date >= "2001-01-01"`,
	`date < "2002-01-01"`, `hour(date) >= 0`, `month(date) <= 12`, `coalesce(taxi, 0) + delay < 2000`,
}

const (
	exprRows  = 2 << 20
	exprBatch = 64 << 10
	celRows   = 64 << 10 // cel-go is too slow for more
)

// flightRows makes rows from formulas, which the peer computes too.
func flightRows(from, n int) arrow.RecordBatch {
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	times := &arrow.TimestampType{Unit: arrow.Microsecond}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "delay", Type: arrow.PrimitiveTypes.Int64},
		{Name: "distance", Type: arrow.PrimitiveTypes.Int64},
		{Name: "taxi", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "price", Type: arrow.PrimitiveTypes.Float64},
		{Name: "discount", Type: arrow.PrimitiveTypes.Float64},
		{Name: "origin", Type: dict},
		{Name: "destination", Type: dict},
		{Name: "carrier", Type: arrow.BinaryTypes.String},
		{Name: "date", Type: times},
		{Name: "date2", Type: times},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := int64(from); i < int64(from+n); i++ {
		b.Field(0).(*array.Int64Builder).Append(i*7919%800 - 80)
		b.Field(1).(*array.Int64Builder).Append(i * 31 % 3000)
		if i%20 == 0 {
			b.Field(2).AppendNull()
		} else {
			b.Field(2).(*array.Int64Builder).Append(i % 60)
		}
		b.Field(3).(*array.Float64Builder).Append(float64(i*7919%100_000) / 100)
		b.Field(4).(*array.Float64Builder).Append(float64(i%100) / 1000)
		for f, k := range map[int]int64{5: 13, 6: 17} {
			if err := b.Field(f).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprintf("A%02d", i*k%100)); err != nil {
				panic(err)
			}
		}
		b.Field(7).(*array.StringBuilder).Append(fmt.Sprintf("carrier %d", i*104_729%100_000))
		b.Field(8).(*array.TimestampBuilder).Append(arrow.Timestamp(978_307_200_000_000 + i*7919%15_552_000*1_000_000))
		b.Field(9).(*array.TimestampBuilder).Append(arrow.Timestamp(978_307_200_000_000 + i*7907%15_552_000*1_000_000))
	}
	return b.NewRecordBatch()
}

const peerRows = `CREATE TABLE t AS SELECT i*7919%800 - 80 AS delay, i*31%3000 AS distance, CASE WHEN i%20 = 0 THEN NULL ELSE i%60 END AS taxi,
	(i*7919%100000)/100.0::DOUBLE AS price, (i%100)/1000.0::DOUBLE AS discount, printf('A%02d', i*13%100) AS origin, printf('A%02d', i*17%100) AS destination,
	'carrier ' || (i*104729%100000) AS carrier, make_timestamp(978307200000000 + i*7919%15552000*1000000) AS date,
	make_timestamp(978307200000000 + i*7907%15552000*1000000) AS date2 FROM range($N) r(i)`

// expressions measures each expression over columns, by cel-go row by row, and in DuckDB
// on one thread over a table in memory, and writes a page of it.
func expressions(out string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"SET threads = 1", strings.Replace(peerRows, "$N", fmt.Sprint(exprRows), 1)} {
		if _, err := db.Exec(q); err != nil {
			return err
		}
	}
	var batches []arrow.RecordBatch
	for from := 0; from < exprRows; from += exprBatch {
		batches = append(batches, flightRows(from, exprBatch))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Expressions\n\nWritten by `go run ./benchmarks expressions`: CPU nanoseconds a row, medians of 7, on one thread. Penstock evaluates %d rows\n"+
		"in batches of %d; cel-go the first %d of them, row by row; DuckDB aggregates the same expression over a table in memory, and both\n"+
		"get the same sum. Where Penstock has a dictionary, as Parquet files do, DuckDB has plain strings.\n\n", exprRows, exprBatch, celRows)
	fmt.Fprintf(&b, "%s/%s, %s, %s\n\n| expression | Penstock | DuckDB | ratio | cel-go | ratio | allocations a batch |\n|---|---|---|---|---|---|---|\n",
		runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly))
	for _, p := range pairs {
		row, err := measure(db, p.cel, p.sql, batches)
		if err != nil {
			return fmt.Errorf("%s: %w", p.cel, err)
		}
		fmt.Print(row)
		b.WriteString(row)
	}
	text, err := measureRules(batches)
	if err != nil {
		return err
	}
	fmt.Print(text)
	b.WriteString(text)
	return os.WriteFile(out, []byte(b.String()), 0o644)
}

// cpuOf is the median of the CPU seconds that f takes.
func cpuOf(runs int, f func() error) (float64, error) {
	var took []float64
	for range runs {
		before := cpuSeconds()
		if err := f(); err != nil {
			return 0, err
		}
		took = append(took, cpuSeconds()-before)
	}
	return median(took), nil
}

func measure(db *sql.DB, cel, query string, batches []arrow.RecordBatch) (string, error) {
	program, err := expr.Compile(cel, batches[0].Schema())
	if err != nil {
		return "", err
	}
	eval := func() error {
		for _, batch := range batches {
			res, err := program.Eval(context.Background(), batch, nil)
			if err != nil {
				return err
			}
			res.Release()
		}
		return nil
	}
	ours, err := cpuOf(7, eval)
	if err != nil {
		return "", err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := eval(); err != nil {
		return "", err
	}
	runtime.ReadMemStats(&after)

	total, err := sumOf(program, batches)
	if err != nil {
		return "", err
	}
	aggregate := "SELECT sum(" + query + ")::DOUBLE FROM t"
	if program.Type().ID() == arrow.BOOL {
		aggregate = "SELECT count(*) FILTER (WHERE " + query + ")::DOUBLE FROM t"
	}
	var same float64
	peer, err := cpuOf(7, func() error { return db.QueryRow(aggregate).Scan(&same) })
	if err != nil {
		return "", err
	}
	if math.Abs(total-same) > 1e-9*math.Abs(same) {
		return "", fmt.Errorf("ours sums to %v, the peer to %v", total, same)
	}
	rowwise, err := cpuOf(3, func() error { return evalRows(program, batches[0]) })
	if err != nil {
		return "", err
	}
	o, d, c := ours/exprRows*1e9, peer/exprRows*1e9, rowwise/celRows*1e9
	return fmt.Sprintf("| `%s` | %.2f | %.2f | %.2f | %.0f | 1/%.0f | %d |\n", strings.ReplaceAll(cel, "|", `\|`), o, d, o/d, c, c/o,
		(after.Mallocs-before.Mallocs)/uint64(len(batches))), nil
}

func evalRows(p *expr.Program, batch arrow.RecordBatch) error {
	res, err := p.EvalRows(context.Background(), batch, nil)
	if err != nil {
		return err
	}
	res.Release()
	return nil
}

// sumOf adds the outcomes up: numbers, or ones for what is true.
func sumOf(p *expr.Program, batches []arrow.RecordBatch) (sum float64, err error) {
	for _, batch := range batches {
		res, err := p.Eval(context.Background(), batch, nil)
		if err != nil {
			return 0, err
		}
		for i := range res.Values.Len() {
			switch a := res.Values.(type) {
			case *array.Boolean:
				if a.IsValid(i) && a.Value(i) {
					sum++
				}
			case *array.Int64:
				sum += float64(a.Value(i))
			case *array.Float64:
				sum += a.Value(i)
			}
		}
		res.Release()
	}
	return sum, nil
}

// measureRules measures twenty rules as one group.
func measureRules(batches []arrow.RecordBatch) (string, error) {
	var programs []*expr.Program
	for _, src := range ruleSet {
		p, err := expr.Compile(src, batches[0].Schema())
		if err != nil {
			return "", err
		}
		programs = append(programs, p)
	}
	group := expr.NewGroup(programs...)
	ours, err := cpuOf(7, func() error {
		for _, batch := range batches {
			results, err := group.Eval(context.Background(), batch, nil)
			if err != nil {
				return err
			}
			for _, res := range results {
				res.Release()
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	rowwise, err := cpuOf(3, func() error {
		for _, p := range programs {
			if err := evalRows(p, batches[0]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	o, c := ours/exprRows*1e9, rowwise/celRows*1e9
	return fmt.Sprintf("\nTwenty row rules of a stage, together: %.1f ns a row; cel-go row by row %.0f ns, %.0f times as much (aim: 100).\n", o, c, c/o), nil
}
