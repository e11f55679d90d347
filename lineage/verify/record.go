package verify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
)

// input is what a version was made of, as its manifest has it.
type input struct {
	Name    string `json:"name"`
	Source  string `json:"source"`
	Dataset string `json:"dataset"`
	Version int64  `json:"version"`
	Missing bool   `json:"missing"`
}

// blockedRun checks what the run of a version says of others: a rule that blocked it and that
// nobody overruled kept back all that it made, but for records of what was found, which are not made
// of what the rule judged. Of a run that is not on record any more nothing is known.
func (c *checker) blockedRun(dir string, m manifest) {
	for _, in := range m.Inputs {
		if m.Always && in.Dataset != "" && in.Source == "" && in.Version == 0 && !in.Missing {
			c.problem(dir, "is a record, and was made of %s, which was not published", in.Dataset)
		}
	}
	for _, f := range c.blocking(m.Run) {
		switch {
		case !m.Always:
			c.problem(dir, "was published although gate %q of stage %q blocked run %s, and it is no record of what was found", f.Name, f.Stage, m.Run)
		case slices.ContainsFunc(m.Stages, func(s stage) bool { return s.Name == f.Stage }):
			c.problem(dir, "was published although gate %q of stage %q, which it is made of, blocked run %s", f.Name, f.Stage, m.Run)
		}
	}
}

// blocking gives what blocked a run, and nobody approved of, as its record says.
func (c *checker) blocking(run string) []finding {
	if all, ok := c.blockers[run]; ok || run == "" {
		return all
	}
	var rec struct{ Gates []finding }
	text, err := os.ReadFile(filepath.Join(c.root, ".penstock", "runs", filepath.Base(run)+".json"))
	if err == nil {
		_ = json.Unmarshal(text, &rec) // whether it can be read is for the audit to say
	}
	all := slices.DeleteFunc(rec.Gates, func(f finding) bool {
		return f.Severity == "warn" || f.Verdict == "pass" || f.Verdict == "warn" || f.Approved != nil
	})
	c.blockers[run] = all
	return all
}
