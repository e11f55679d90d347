package published

import (
	"fmt"

	"github.com/penstock-data/penstock/pipeline"
)

// Needs implements pipeline.Depender.
func (s Source) Needs(of pipeline.Scheme, p pipeline.Partition) ([]pipeline.PartitionRef, error) {
	parts, err := s.partitions(of, p)
	if err != nil {
		return nil, err
	}
	refs := make([]pipeline.PartitionRef, len(parts))
	for i, part := range parts {
		refs[i] = pipeline.PartitionRef{Dataset: s.Path(), Partition: part, Optional: s.Skip}
	}
	return refs, nil
}

// Check finds the mistakes that can be seen without a partition: of a source that a pipeline
// with a scheme reads.
func (s Source) Check(of pipeline.Scheme) error {
	bad := func(format string, args ...any) error { return pipeline.Errorf(pipeline.Invalid, format, args...) }
	windowed := s.Last != 0 || s.Offset != 0
	up := s.scheme(of)
	switch {
	case s.Last < 0:
		return bad("last: a window has at least 1 partition, not %d", s.Last)
	case s.Offset > 0:
		return bad("offset: %d is after the partition of the run; a window ends at it, 0, or before", s.Offset)
	case s.Map == Same && up.By != of.By:
		return bad("%s is by %s, and the pipeline by %s: say how they go together, with `map: within` (all that lie in the pipeline's partition) or `map: whole` (the one that it lies in)",
			s.Path(), name(up.By), name(of.By))
	case s.Map == Same && up.By != pipeline.Key && up.Zone != nil && zone(up) != zone(of):
		return bad("%s is by %s in %s, and the pipeline in %s: they have no window in common", s.Path(), name(up.By), zone(up), zone(of))
	case s.Map != Same && s.Partitions == nil:
		return bad("map: say with `by` how %s is cut", s.Path())
	case windowed && s.Map == Within && !timed(of) || windowed && s.Map != Within && !timed(up):
		return bad("last and offset belong to partitions by time")
	case s.Map == Whole && s.Partitions.By == pipeline.Whole:
		return nil
	case s.Map != Same && (!timed(of) || !timed(up)):
		return bad("map: %s and %s: both have to be windows of time", name(up.By), name(of.By))
	}
	return nil
}

func timed(s pipeline.Scheme) bool { return s.By != pipeline.Whole && s.By != pipeline.Key }

func zone(s pipeline.Scheme) string {
	if s.Zone == nil {
		return "UTC"
	}
	return s.Zone.String()
}

// scheme is that of the dataset. Where it has no zone of its own it goes by the pipeline's.
func (s Source) scheme(of pipeline.Scheme) pipeline.Scheme {
	if s.Partitions == nil {
		return of
	}
	up := *s.Partitions
	if up.Zone == nil {
		up.Zone = of.Zone
	}
	return up
}

// partitions are those of the dataset that belong to one of the pipeline, the oldest first.
func (s Source) partitions(of pipeline.Scheme, p pipeline.Partition) (all []pipeline.Partition, err error) {
	if err := s.Check(of); err != nil {
		return nil, err
	}
	up := s.scheme(of)
	switch s.Map {
	case Within:
		windows, err := s.window(of, p)
		if err != nil {
			return nil, err
		}
		for _, w := range windows {
			in, err := up.Within(w)
			if err != nil {
				return nil, err
			}
			all = append(all, in...)
		}
		return all, nil
	case Whole:
		if p, err = up.Containing(p); err != nil {
			return nil, err
		}
	default:
		if s.Partitions != nil && p.By != pipeline.Whole {
			if p, err = up.Parse(p.Value); err != nil {
				if s.Skip {
					return nil, nil // it ought not to exist
				}
				return nil, err
			}
		}
	}
	return s.window(up, p)
}

// window is that of the source in a scheme. With Skip it is shorter where a calendar does not
// go back so far.
func (s Source) window(of pipeline.Scheme, p pipeline.Partition) ([]pipeline.Partition, error) {
	if s.Last <= 1 && s.Offset == 0 {
		return []pipeline.Partition{p}, nil
	}
	last, err := of.Offset(p, s.Offset)
	if err != nil {
		if s.Skip {
			return nil, nil
		}
		return nil, err
	}
	want := max(s.Last, 1)
	all, err := of.Window(last, want)
	if err == nil && len(all) < want && !s.Skip {
		return nil, pipeline.Errorf(pipeline.Invalid, "%s: the calendar has %d partitions up to %s, and the window wants %d", s.Path(), len(all), last, want).
			With(fmt.Sprintf("set `missing: skip` to do with fewer, or begin later than %s", p))
	}
	return all, err
}
