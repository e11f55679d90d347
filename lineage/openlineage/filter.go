package openlineage

import (
	"regexp"
)

// filter reports whether the events of a job are left out.
type filter func(job string) bool

// filtersOf reads those of a config, as the official clients have them: a job is left out by its
// name, or by an expression that its name begins with.
func filtersOf(where string, v any) (all []filter, err error) {
	list, _ := v.([]any)
	for _, of := range list {
		m, _ := of.(map[string]any)
		s := settings(m)
		match, expr := s.text("match"), s.text("regex")
		switch kind := s.text("type"); {
		case kind == "exact" && match != "":
			all = append(all, func(job string) bool { return job == match })
		case kind == "regex" && expr != "":
			re, err := regexp.Compile("^(?:" + expr + ")")
			if err != nil {
				return nil, invalid("%s: filters: %v", where, err)
			}
			all = append(all, re.MatchString)
		default:
			return nil, invalid("%s: filters: expected {type: exact, match: JOB} or {type: regex, regex: …}", where)
		}
	}
	return all, nil
}

// kept are the events that no filter leaves out.
func kept(events []Event, filters []filter) (all []Event) {
	for _, e := range events {
		out := false
		for _, leaves := range filters {
			out = out || leaves(e.Job.Name)
		}
		if !out {
			all = append(all, e)
		}
	}
	return all
}
