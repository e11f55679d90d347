package openlineage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

// told is a transport that keeps what it is sent.
type told struct{ all []string }

func (*told) Name() string { return "told" }

func (t *told) Send(_ context.Context, events [][]byte) error {
	for _, text := range events {
		var e Event
		if err := json.Unmarshal(text, &e); err != nil {
			return err
		}
		t.all = append(t.all, string(e.EventType)+" "+e.Run.Facets.Tags.Tags[0].Value)
	}
	return nil
}

// crashWorld is a project in memory, as far as runs are told of.
type crashWorld struct {
	*world
	disk faults.FS
}

const runsDir = "/p/.penstock/runs"

func (w *crashWorld) on(disk faults.FS) {
	w.disk, w.box = disk, &Outbox{FS: disk, Dir: "/p/.penstock/outbox"}
}

// onRecord is a Past.Run that reads what is on the disk, when no process lives any more.
func (w *crashWorld) onRecord(_ context.Context, id string) (*pipeline.RunRecord, error) {
	text, err := w.disk.ReadFile(runsDir + "/" + id + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	rec := &pipeline.RunRecord{}
	return rec, errors.Join(err, json.Unmarshal(text, rec))
}

func (w *crashWorld) sender(t Transport) *Sender {
	return NewSender(&Config{Transports: []Transport{t}}, w.box, Past{Run: w.onRecord}, w.clock, w.sleep)
}

// runs makes two runs as a project does: the intent, the run, its record, and what is sent of it.
// It ends at the first error, as a process does that dies there.
func (w *crashWorld) runs(t Transport) error {
	for _, id := range []string{"r1", "r2"} {
		rec := &pipeline.RunRecord{Run: id, Pipeline: "p", Started: began, Penstock: "v1", Status: pipeline.Running}
		if err := w.box.Put(NewIntent("n", &pipeline.Pipeline{Name: "p"}, pipeline.Partition{}, rec, Code{})); err != nil {
			return err
		}
		rec.Status = pipeline.Published
		text, err := json.Marshal(rec)
		if err != nil {
			return err
		}
		if err := faults.WriteFile(w.disk, runsDir+"/"+id+".json", text); err != nil {
			return err
		}
		s := w.sender(t)
		s.Ended(id)
		s.Flush(context.Background())
	}
	return nil
}

// Power is cut at every operation on the disk. Whatever is left of what was not synced, of each
// run that is on record its end has been told, or the next command tells it.
func TestPowerCutAtEveryOperation(t *testing.T) {
	for n := 1; ; n++ {
		for _, left := range []faults.Unsynced{faults.Lost, faults.Half, faults.Kept} {
			w := &crashWorld{world: newWorld(t)}
			mem := faults.NewMem()
			mem.Seed = uint64(n)
			for _, dir := range []string{"/", "/p", "/p/.penstock"} {
				if err := errors.Join(mem.MkdirAll(runsDir), mem.SyncDir(dir)); err != nil {
					t.Fatal(err)
				}
			}
			ops, cut := 0, false
			w.on(faults.Failing{FS: mem, Fault: func(string, string) error {
				if ops++; ops < n {
					return nil
				}
				cut = true
				return errors.New("power is cut")
			}})
			before := &told{}
			_ = w.runs(before)
			after := mem.Crash(left)
			w.on(after)
			again := &told{}
			w.sender(again).Flush(context.Background())
			if !checkTold(t, after, before.all, again.all) {
				t.Fatalf("at operation %d, %d left: before %v, after %v", n, left, before.all, again.all)
			}
			if waiting := w.waiting(); len(waiting) > 0 {
				t.Fatalf("at operation %d, %d left: %v waits", n, left, waiting)
			}
			if !cut {
				if n < 20 {
					t.Fatalf("only %d operations", n)
				}
				return
			}
		}
	}
}

// checkTold reports whether of all that is on record the end was told.
func checkTold(t *testing.T, disk faults.FS, before, after []string) bool {
	t.Helper()
	entries, err := disk.ReadDir(runsDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		var run string
		if _, err := fmt.Sscanf(e.Name(), "%2s.json", &run); err != nil || len(e.Name()) != len("r1.json") {
			continue // a file that was being written
		}
		if end := "COMPLETE " + run; !slices.Contains(before, end) && !slices.Contains(after, end) {
			return false
		}
	}
	return true
}
