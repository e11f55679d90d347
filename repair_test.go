package penstock

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// A run does not say that nothing changed while what is published is damaged.
func TestARunRepairsWhatIsPublished(t *testing.T) {
	p := approvable(t, Options{})
	pl := blockable(stage("clean", "orders", true))
	ran(t, p, pl, "eu", pipeline.Published)
	name := filepath.Join(p.dir, "out/clean/key=eu/part-0.parquet")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(name, data, 0o644); err != nil { // in place: the kept version has it too
		t.Fatal(err)
	}
	if rec := ran(t, p, pl, "eu", pipeline.Published); rec.Outputs[0].Version != 2 {
		t.Errorf("%+v", rec.Outputs)
	}
	sound(t, p)
	ran(t, p, pl, "eu", pipeline.Unchanged)
}
