package penstock_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/pipeline"
)

// A page with a wrong checksum is neither taken over nor copied nor decoded: the error says
// where it is, and nothing is published. A published file that was changed is not read.
func TestDamageIsNotPublished(t *testing.T) {
	dir := t.TempDir()
	p := open(t, dir)
	in := filepath.Join(dir, "in.parquet")
	rowGroups(t, in, 600)
	mustRun(t, p, copying("good", "in.parquet", nil, operators.Filter("qty > 0")))
	flipPrice(t, in)
	for _, pl := range []*pipeline.Pipeline{
		copying("taken", "in.parquet", copyRules),
		copying("copied", "in.parquet", nil, operators.Drop("code")),
		copying("decoded", "in.parquet", nil, operators.Filter("price > 1.0")),
	} {
		rec, err := p.Run(t.Context(), pl, "all")
		want := `in.parquet: row group 3: column "price" is damaged: page \d+: .*checksum`
		if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) || rec.Status != pipeline.Failed {
			t.Errorf("%s: got %v, want %s", pl.Name, err, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "out", pl.Name)); !os.IsNotExist(err) {
			t.Errorf("%s: something was published: %v", pl.Name, err)
		}
	}
	flipPrice(t, filepath.Join(dir, "out/good/part-0.parquet"))
	if _, err := p.Run(t.Context(), copying("after", "out/good/*.parquet", nil, operators.Filter("price > 1.0")), "all"); err == nil ||
		!regexp.MustCompile(`part-0.parquet: row group 3: column "price" .*not as it was published`).MatchString(err.Error()) {
		t.Errorf("a changed file was read: %v", err)
	}
}

// flipPrice changes a bit of the last page of the fourth row group's column price.
func flipPrice(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	check(t, err)
	defer f.Close()
	file, err := pq.OpenFile(f, int64(len(text)))
	check(t, err)
	m := file.Metadata().RowGroups[3].Columns[3].MetaData
	at := m.DataPageOffset + m.TotalCompressedSize - 9
	if d := m.DictionaryPageOffset; d > 0 && d < m.DataPageOffset {
		at = d + m.TotalCompressedSize - 9
	}
	_, err = f.WriteAt([]byte{text[at] ^ 4}, at)
	check(t, err)
}
