package verify

// stage is what a stage counted, as a manifest has it.
type stage struct {
	Name            string     `json:"name"`
	RowsIn          int64      `json:"rows_in"`
	RowsOut         int64      `json:"rows_out"`
	RowsQuarantined int64      `json:"rows_quarantined"`
	RowsKeptAside   int64      `json:"rows_kept_aside"`
	RowsFiltered    int64      `json:"rows_filtered"`
	Operators       []operator `json:"operators"`
}

type operator struct {
	Name    string `json:"name"`
	Rows    string `json:"rows"` // "fewer", "other"; empty: as many
	RowsIn  int64  `json:"rows_in"`
	RowsOut int64  `json:"rows_out"`
}

// counts checks that the rows of a version are those of its files, and that what its stages
// counted adds up.
func (c *checker) counts(dir string, m manifest) {
	if n := rowsOf(m.Files); n != m.Rows {
		c.problem(dir, "the files have %d rows, the manifest says %d", n, m.Rows)
	}
	for _, s := range m.Stages {
		if !m.conserved(s.Name) {
			continue // made before rows were counted so, or somebody approved of what is wrong
		}
		s.addsUp(func(what string, got, want int64) {
			if got != want {
				c.problem(dir, "stage %q: %s: %d rows, and %d were counted", s.Name, what, got, want)
			}
		})
		if s.Name != m.Stage {
			continue
		}
		if s.RowsOut != m.Rows {
			c.problem(dir, "stage %q gave %d rows, the manifest says %d", s.Name, s.RowsOut, m.Rows)
		}
		if n := rowsOf(m.Quarantine); n != s.RowsQuarantined {
			c.problem(dir, "stage %q put %d rows aside, the quarantine has %d", s.Name, s.RowsQuarantined, n)
		}
	}
}

// addsUp tells differ of each two counts that ought to be the same.
func (s stage) addsUp(differ func(what string, got, want int64)) {
	at, filtered := s.RowsIn, int64(0)
	for _, o := range s.Operators {
		differ("what came to "+o.Name, o.RowsIn, at)
		switch {
		case o.Rows == "":
			differ("what left "+o.Name, o.RowsOut, o.RowsIn)
		case o.Rows == "fewer" && o.RowsOut > o.RowsIn:
			differ("what left "+o.Name, o.RowsOut, o.RowsIn)
		case o.Rows == "fewer":
			filtered += o.RowsIn - o.RowsOut
		}
		at = o.RowsOut
	}
	differ("filtered", s.RowsFiltered, filtered)
	differ("out and quarantined", s.RowsOut+s.RowsQuarantined-s.RowsKeptAside, at)
}

// conserved reports whether a stage was found to lose no row.
func (m manifest) conserved(stage string) bool {
	for _, f := range m.Findings {
		if f.Stage == stage && f.Name == "conservation" {
			return f.Verdict == "pass"
		}
	}
	return false
}

func rowsOf(files []file) (n int64) {
	for _, f := range files {
		n += f.Rows
	}
	return n
}
