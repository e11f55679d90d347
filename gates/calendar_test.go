package gates

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/pipeline"
)

// A calendar holds if every unit of the partition, or from the first to the last, has a row;
// others don't matter.
func TestCalendar(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	next := map[string]func(time.Time) time.Time{
		"hour":  func(t time.Time) time.Time { return t.Add(time.Hour) },
		"day":   func(t time.Time) time.Time { return t.AddDate(0, 0, 1) },
		"week":  func(t time.Time) time.Time { return t.AddDate(0, 0, 7) },
		"month": func(t time.Time) time.Time { return t.AddDate(0, 1, 0) },
	}
	begin := map[string]func(time.Time) time.Time{
		"hour":  func(t time.Time) time.Time { return t.Truncate(time.Hour) },
		"day":   func(t time.Time) time.Time { return t.Truncate(24 * time.Hour) },
		"week":  func(t time.Time) time.Time { return t.Truncate(24*time.Hour).AddDate(0, 0, -(int(t.Weekday())+6)%7) },
		"month": func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) },
	}
	for by, of := range map[pipeline.By]string{pipeline.Day: "2024-02-29", pipeline.Month: "2024-02", pipeline.Week: "2024-02-26", pipeline.Hour: "2024-02-29T05", "": ""} {
		part := pipeline.Partition{Start: time.Date(2024, 1, 30, 0, 0, 0, 0, time.UTC), End: time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC)}
		around := pipeline.Surroundings{Now: part.End}
		if by != "" {
			var err error
			if part, err = (pipeline.Scheme{By: by}).Parse(of); err != nil {
				t.Fatal(err)
			}
			around.Partition = part
		}
		for unit := range next {
			for lost := range 3 {
				all := map[time.Time]bool{}
				var units []time.Time
				for at := begin[unit](part.Start); at.Before(part.End); at = next[unit](at) {
					units = append(units, at)
					all[at] = true
				}
				for range min(lost, len(units)) {
					delete(all, units[r.IntN(len(units))])
				}
				// Of a range, what is lost at its ends is not missed.
				first, last := -1, -1
				for i, at := range units {
					if all[at] {
						if first < 0 {
							first = i
						}
						last = i
					}
				}
				want := pipeline.Fail
				switch {
				case len(all) == len(units), by == "" && first >= 0 && len(all) == last-first+1:
					want = pipeline.Pass
				case by == "" && first < 0:
					want = pipeline.NoData
				}
				var times []time.Time
				for at := range all {
					if at.Before(part.Start) {
						at = part.Start
					}
					times = append(times, at, at)
				}
				if by != "" {
					times = append(times, part.Start.Add(-time.Minute), part.End)
				}
				if got := judgeTimes(t, unit, around, times); got != want {
					t.Errorf("%s of %s %s, %d of %d lost: %s, want %s", unit, by, of, len(units)-len(all), len(units), got, want)
				}
			}
		}
	}
	if _, err := calendarCheck(Pair{"day", "days"}); err == nil || err.Error() != `unknown unit "days"; did you mean "day"?` {
		t.Errorf("an unknown unit: %v", err)
	}
}

func judgeTimes(t *testing.T, unit string, around pipeline.Surroundings, times []time.Time) pipeline.Verdict {
	t.Helper()
	env := testEnv(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us}}, nil)
	b := array.NewRecordBuilder(env.Alloc, schema)
	defer b.Release()
	for _, at := range times {
		b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	check, err := calendarCheck(Pair{"at", unit})
	if err != nil {
		t.Fatal(err)
	}
	j, err := Of(Rule{Name: "c", Check: check}).Bind(schema, around)
	if err != nil {
		t.Fatal(err)
	}
	court, err := j.Open(t.Context(), pipeline.Hearing{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	w := court.Unit(pipeline.Unit{Env: env})
	if _, err := w.Observe(t.Context(), batch, nil); err != nil {
		t.Fatal(err)
	}
	if err := court.Merge(w); err != nil {
		t.Fatal(err)
	}
	out, err := court.Judge(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out.Findings[0].Verdict
}
