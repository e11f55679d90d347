package crashtest

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	_ "modernc.org/sqlite" // the index is read by SQL alone
)

type record struct {
	Run       string `json:"run"`
	Partition string `json:"partition"`
	Status    string `json:"status"`
	Outputs   []struct {
		Dataset string `json:"dataset"`
		Path    string `json:"path"`
		Version int64  `json:"version"`
	} `json:"outputs"`
}

// state checks I4 and I8 of the state directory: no run says that it is running, records and
// index say the same, and what is visible is on the record of the run that made it.
func (c *checker) state() {
	records := map[string]record{}
	texts := map[string]string{}
	dir := filepath.Join(c.root, ".penstock")
	for _, name := range list(filepath.Join(dir, "runs")) {
		run, isRecord := strings.CutSuffix(name, ".json")
		if !isRecord {
			c.bad("I8", "runs/%s is left", name)
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, "runs", name))
		var r record
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			c.bad("I4", "runs/%s: %v", name, err)
		}
		said, ok := unsealed(string(text))
		if !ok {
			c.bad("I4", "runs/%s is not what its digest says", name)
		}
		records[run], texts[run] = r, said
		if strings.Contains(string(text), secret) {
			c.bad("I9", "runs/%s shows values of rows", name)
		}
	}
	for _, name := range []string{"tmp", "live"} {
		if left := list(filepath.Join(dir, name)); len(left) > 0 {
			c.bad("I8", "%s holds %v", name, left)
		}
	}
	c.backfills(filepath.Join(dir, "backfills"))
	for at, m := range c.kept {
		if !says(records[m.by()], m) {
			c.bad("I4", "%s was made by run %s, whose record does not say so (%s)", at, m.by(), records[m.by()].Status)
		}
	}
	c.index(filepath.Join(dir, "state.db"), texts)
}

// unsealed is a record without the line that has the digest of the rest.
func unsealed(text string) (said string, ok bool) {
	_, after, _ := strings.Cut(text, "\n")
	line, rest, _ := strings.Cut(after, "\n")
	sum := sha256.Sum256([]byte(rest))
	return "{\n" + rest, strings.Contains(line, hex.EncodeToString(sum[:]))
}

// backfills checks that none is said to be running.
func (c *checker) backfills(dir string) {
	for _, name := range list(dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		var r record
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil || r.Status == "running" || !strings.HasSuffix(name, ".json") {
			c.bad("I4", "backfills/%s is %q, %v", name, r.Status, err)
		}
	}
}

func says(r record, m *manifest) bool {
	for _, o := range r.Outputs {
		if o.Dataset == m.Dataset && o.Version == m.Version && r.Partition == m.Partition {
			return true
		}
	}
	return false
}

// index compares the index with the records of runs, and with what is visible.
func (c *checker) index(name string, texts map[string]string) {
	db, err := openIndex(name)
	if err != nil {
		c.bad("I4", "%v", err)
		return
	}
	defer db.Close()
	known := map[string]bool{}
	each(c, db, `SELECT run, record FROM runs`, func(run, text string) {
		known[run] = true
		if !sameJSON(text, texts[run]) {
			c.bad("I4", "run %s is %.300s in the index, and %.300s on record", run, text, texts[run])
		}
	})
	for run := range texts {
		if !known[run] {
			c.bad("I4", "run %s is on record, and not in the index", run)
		}
	}
	current := map[string]string{}
	each(c, db, `SELECT dataset || '@' || partition, digest FROM versions WHERE current`, func(name, digest string) {
		if current[name] != "" {
			c.bad("I4", "the index has two current versions of %s", name)
		}
		current[name] = digest
	})
	for dir, m := range c.visible {
		if name := m.Dataset + "@" + m.Partition; current[name] != m.digest {
			c.bad("I4", "%s shows version %d, which is not current in the index", dir, m.Version)
		}
		delete(current, m.Dataset+"@"+m.Partition)
	}
	if len(current) > len(c.damaged) {
		c.bad("I4", "the index has current versions of %v, which nobody sees", current)
	}
}

// openIndex opens the index to be read.
func openIndex(name string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: name}).EscapedPath(), RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}
	return sql.Open("sqlite", u.String())
}

func each(c *checker, db *sql.DB, query string, row func(a, b string)) {
	rows, err := db.Query(query)
	if err != nil {
		c.bad("I4", "%s: %v", query, err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var a, b string
		if err := rows.Scan(&a, &b); err != nil {
			c.bad("I4", "%s: %v", query, err)
			return
		}
		row(a, b)
	}
	if err := rows.Err(); err != nil {
		c.bad("I4", "%s: %v", query, err)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
