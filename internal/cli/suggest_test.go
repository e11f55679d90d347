package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// orders writes a file of rows whose columns and values are hard to write in YAML and CEL.
func orders(t *testing.T, dir string) {
	t.Helper()
	db := oracle(t)
	_, err := db.Exec(fmt.Sprintf(`COPY (SELECT i AS id, i %% 40 AS customer_id, (i * 7919 %% 1000) / 10 AS price,
		['yes', 'no', 'it''s', 'a: b', '${x}', 'é # b', '12', ' x '][1 + i %% 7] AS "true",
		['yes', 'no', 'it''s', 'a: b', 'é # b', '12', ' x ', 'x, y'][1 + i %% 8] AS "y/n", 'user' || i || '@example.com' AS "e-mail", uuid() AS "in", 'A-' || lpad((i %% 90)::VARCHAR, 2, '0') AS "shape of",
		CASE WHEN i %% 50 = 0 THEN NULL ELSE i %% 3 END AS "na:me", TIMESTAMP '2001-01-01' + to_hours(i::INT) AS at
		FROM range(2000) x(i)) TO '%s/orders.parquet';
		COPY (SELECT i AS id, 'name ' || i AS name FROM range(200) x(i)) TO '%[1]s/customers.csv' (HEADER)`, dir))
	if err != nil {
		t.Fatal(err)
	}
}

const ordersHead = "name: orders\nsources:\n  orders: {parquet: orders.parquet}\n  customers: {csv: customers.csv}\nstages:\n  clean:\n    from: orders\n"

// TestSuggestionsApply puts the diff into the file by git and by patch: the stage's gates
// pass then, and nothing is left to propose.
func TestSuggestionsApply(t *testing.T) {
	for name, rest := range map[string]string{
		"no gates":       "    operators: [{filter: id >= 0}]\n    output: {parquet: out/clean}\n",
		"no end of line": "    output: {parquet: out/clean}",
		"dashes":         "    gates:\n    - not_null: [id]\n    - rows: price >= 0\n    output: {parquet: out/clean}\n",
		"brackets":       "    gates: [{not_null: [id]}] # more to come\n    output: {parquet: out/clean}\n",
	} {
		t.Run(name, func(t *testing.T) {
			for tool, args := range map[string][]string{"git": {"apply"}, "patch": {"-p1"}} {
				if _, err := exec.LookPath(tool); err != nil {
					t.Skip(err)
				}
				dir := t.TempDir()
				t.Chdir(dir)
				orders(t, dir)
				if err := os.WriteFile("orders.yaml", []byte(ordersHead+rest), 0o644); err != nil {
					t.Fatal(err)
				}
				diff := command(t, 0, "gate", "suggest", "orders.yaml", "--stage", "clean", "--quiet")
				cmd := exec.Command(tool, args...)
				cmd.Stdin = strings.NewReader(diff)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v: %s\n%s", tool, err, out, diff)
				}
				out := command(t, 0, "run", "orders.yaml", "--quiet", "-o", "json")
				if strings.Count(out, `"verdict":"pass"`) < 6 || !strings.Contains(out, `"status":"published"`) {
					t.Errorf("%s", out)
				}
				if again := command(t, 0, "gate", "suggest", "orders.yaml", "--quiet"); again != "" {
					t.Errorf("proposed again:\n%s", again)
				}
			}
		})
	}
}

func TestSuggestionsOfFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	orders(t, dir)
	got := command(t, 0, "gate", "suggest", "orders.parquet", "--quiet")
	for _, want := range []string{
		"  # 2,000 rows\n  - {name: volume, expect: rows() >= 1000}\n",
		"  # 0 of 2,000 null\n  - not_null: [id, customer_id, price, 'true', 'y/n', 'e-mail', in, shape of, at]\n",
		"  # 2,000 values, each once\n  - unique: [id]\n",
		"  - unique: ['e-mail']\n", "  - between: {id: [0, null]}\n", "  - {name: ordered_by_id, expect: 'falls(id) == 0'}\n",
		"  - {name: format_of_e_mail, rows: 'is_email(col(\"e-mail\"))'}\n", `is_uuid(col("in"))`,
		"  - matches: {shape of: '^[A-Z]-[0-9]{2}$'}\n", "  # 40 of 2,000 null (2.0%)\n",
		"  - accepted: {'y/n': [' x ', 'a: b', 'it''s', 'no', 'x, y', 'yes', 'é # b', '12']}\n",
		"  # 3 values in 1,960 rows, the rarest 653 times\n  - accepted: {'na:me': [0, 1, 2]}\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing of\n%s", want, got)
		}
	}
	var out struct {
		Suggestions []suggestion `json:"suggestions"`
		LeftOut     []suggestion `json:"left_out"`
		Text        string       `json:"text"`
	}
	if err := json.Unmarshal([]byte(command(t, 0, "gate", "suggest", "orders.parquet", "-o", "json")), &out); err != nil {
		t.Fatal(err)
	}
	if out.Text != got || len(out.Suggestions) < 10 || strings.Count(got, "\n  # ") != len(out.Suggestions) {
		t.Errorf("as json: %d suggestions\n%s", len(out.Suggestions), out.Text)
	}
}

// TestSuggestForFlights proposes rules for the demo's months. Of the partial month those
// that it breaks are left out; without it they are there, and past months are asked for.
func TestSuggestForFlights(t *testing.T) {
	dir := t.TempDir()
	command(t, 0, "init", "flights", "--project", dir, "--quiet")
	file := filepath.Join(dir, "plain.yaml")
	text := `name: plain
partitions: {by: month, from: 2001-01, to: 2001-07}
sources:
  flights: {parquet: 'data/flights/{partition}.parquet', partition_by: date}
  airports: {csv: data/airports.csv}
stages:
  clean:
    from: flights
    output: {parquet: warehouse/clean}
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if got := Main([]string{"gate", "suggest", file}, &stdout, &stderr); got != 0 {
		t.Fatal(stderr.String())
	}
	if !strings.Contains(stderr.String(), "left out: {name: volume, ") || strings.Contains(stdout.String(), "history(") || strings.Contains(stdout.String(), "fresh_date") {
		t.Errorf("%s%s", stderr.String(), stdout.String())
	}
	args := []string{"gate", "suggest", file, "--quiet"}
	for month := 1; month <= 6; month++ {
		args = append(args, "--partition", fmt.Sprintf("2001-%02d", month))
	}
	got := command(t, 0, args...)
	for _, want := range []string{
		"+      - {name: volume, expect: 'rows() > 0.5 * history(6).median(rows())'}\n", "+      - references: {origin: airports.iata}\n",
		"+      - {name: within_month, rows: 'date >= partition_start() && date < partition_end()'}\n",
		"+      - {name: fresh_date, expect: 'max(date) >= partition_end() - duration(\"48h\")'}\n", "+        at_most: ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing of\n%s", want, got)
		}
	}
	for _, workers := range []string{"1", "8"} {
		if again := command(t, 0, append(args, "--workers", workers)...); again != got {
			t.Errorf("with %s workers:\n%s", workers, again)
		}
	}
}

// TestSuggestionsHoldLater proposes rules for three months, and runs the three months after
// them under these rules.
func TestSuggestionsHoldLater(t *testing.T) {
	dir := t.TempDir()
	command(t, 0, "init", "flights", "--project", dir, "--quiet")
	head := `name: plain
partitions: {by: month, from: 2001-01, to: 2001-07}
sources:
  flights: {parquet: 'data/flights/{partition}.parquet', partition_by: date}
  airports: {csv: data/airports.csv}
stages:
  clean:
    from: flights
    operators: [{filter: distance > 0}]
    output: {parquet: warehouse/clean}
`
	file := filepath.Join(dir, "plain.yaml")
	if err := os.WriteFile(file, []byte(head), 0o644); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Suggestions []suggestion `json:"suggestions"`
	}
	if err := json.Unmarshal([]byte(command(t, 0, "gate", "suggest", file, "--partition", "2001-01..2001-03", "-o", "json", "--quiet")), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Suggestions) < 8 {
		t.Errorf("only %d suggestions: %v", len(out.Suggestions), out.Suggestions)
	}
	text := head + "    gates:\n"
	for _, s := range out.Suggestions {
		for _, l := range s.entry() {
			text += "      " + l + "\n"
		}
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, month := range []string{"2001-04", "2001-05", "2001-06"} {
		if got := command(t, 0, "run", file, "--partition", month, "--quiet"); strings.Contains(got, "warn") {
			t.Errorf("%s", got)
		}
	}
	command(t, 1, "run", file, "--partition", "2001-07", "--quiet")
}

// TestSuggestionsPass proposes rules for tables of many kinds, and runs them all.
func TestSuggestionsPass(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	db := oracle(t)
	for seed := range 12 {
		query := fmt.Sprintf(`COPY (WITH r AS (SELECT i, random() AS a, random() AS b, random() AS c FROM range(%d) x(i))
			SELECT (a * %d)::INT AS n, CASE WHEN b < %v THEN NULL ELSE ln(b + 1e-12) * %d END AS x, (b * c * 1e6)::DECIMAL(12, 2) AS price,
				CASE WHEN c < 0.001 THEN 'odd one' ELSE repeat(chr(97 + (a * 25)::INT), %d) END AS s, (i / 7)::INT AS slow, a < 0.5 AS yes,
				DATE '2024-01-01' + (b * %d)::INT AS day, 1e300 * a AS huge, -1e-9 * c AS tiny, 5 AS same
			FROM r) TO 'in%d.parquet'`, 50+seed*700, 3+seed*seed, float64(seed)/40, 1+seed, 1+seed%4, seed*9, seed)
		if _, err := db.Exec(query); err != nil {
			t.Fatal(err)
		}
		rules := command(t, 0, "gate", "suggest", fmt.Sprintf("in%d.parquet", seed), "--quiet")
		text := fmt.Sprintf("name: p\nsources: {s: {parquet: in%d.parquet}}\nstages:\n  a:\n    from: s\n    output: {parquet: out%[1]d}\n", seed)
		for line := range strings.Lines(rules) {
			text += "    " + line
		}
		if err := os.WriteFile("p.yaml", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(rules, "at_most") {
			t.Logf("seed %d:\n%s", seed, rules)
		}
		command(t, 0, "run", "p.yaml", "--quiet", "--evidence", "scan")
	}
}
