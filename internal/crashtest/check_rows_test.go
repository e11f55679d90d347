package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// row is a row of everything here.
type row struct {
	ID int64  `json:"id"`
	V  int64  `json:"v"`
	S  string `json:"s"`
}

// table is rows in no order; text is the same for two of the same rows.
type table []row

func (t table) text() string {
	var lines []string
	var sum int64
	for _, r := range t {
		lines = append(lines, fmt.Sprintf("%d %d %s", r.ID, r.V, r.S))
		sum += r.V
	}
	sort.Strings(lines)
	return fmt.Sprintf("%d rows, sum %d: %s", len(t), sum, strings.Join(lines, ", "))
}

// oracle computes what a pipeline gives of the rows of a partition, without what anybody
// overrules: the rows of each stage, those put aside, and the stages of which a gate blocks.
func (s Spec) oracle(in table) (out, aside map[string]table, blocked map[string]bool) {
	out, aside, blocked = map[string]table{"in": in}, map[string]table{}, map[string]bool{}
	for _, st := range s.Stages {
		out[st.Name] = table{}
		for _, r := range out[st.From] {
			if st.Mod != 0 && r.V%st.Mod == st.Rest {
				continue
			}
			r.V += st.Add
			if r.V > st.Most {
				blocked[st.Name] = true
			}
			if st.Low != 0 && r.V < st.Low {
				aside[st.Name] = append(aside[st.Name], r)
			} else {
				out[st.Name] = append(out[st.Name], r)
			}
		}
	}
	return out, aside, blocked
}

// rowsOf reads the files of a directory as readers with other tools would.
func rowsOf(dir string, m *manifest) (all table, err error) {
	for _, f := range m.Files {
		name := filepath.Join(dir, path.Base(f.Path))
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		rows, err := readers[filepath.Ext(name)](text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

var readers = map[string]func([]byte) (table, error){".csv": readCSV, ".jsonl": readLines, ".parquet": readParquet}

func readCSV(text []byte) (all table, err error) {
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	for _, l := range lines[1:] {
		id, err := strconv.ParseInt(l[0], 10, 64)
		if err != nil {
			return nil, err
		}
		v, err := strconv.ParseInt(l[1], 10, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, row{id, v, l[2]})
	}
	return all, nil
}

func readLines(text []byte) (all table, err error) {
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		var r row
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func readParquet(text []byte) (all table, err error) {
	in, err := file.NewParquetReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r, err := pqarrow.NewFileReader(in, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	t, err := r.ReadTable(context.Background())
	if err != nil {
		return nil, err
	}
	defer t.Release()
	batches := array.NewTableReader(t, 0)
	defer batches.Release()
	for batches.Next() {
		b := batches.RecordBatch()
		ids, vs, ss := b.Column(0).(*array.Int64), b.Column(1).(*array.Int64), b.Column(2).(*array.String)
		for i := range int(b.NumRows()) {
			all = append(all, row{ids.Value(i), vs.Value(i), ss.Value(i)})
		}
	}
	return all, batches.Err()
}
