package verify

// rollback says which version was made current again, as a manifest has it.
type rollback struct {
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Reason string `json:"reason"`
	Actor  string `json:"actor"`
}

// rollbacks checks that a version which says that it has the files of an earlier one does.
func (c *checker) rollbacks(versions string, kept map[int64]manifest) {
	for v, m := range kept {
		r := m.Rollback
		if r == nil {
			continue
		}
		if r.From != v-1 || r.To < 1 || r.To >= r.From {
			c.problem(versions, "version %d says that it went back from version %d to version %d", v, r.From, r.To)
		}
		if r.Reason == "" || r.Actor == "" {
			c.problem(versions, "version %d was rolled back to, and nobody says why", v)
		}
		if to, ok := kept[r.To]; ok && bytesDigest(to) != bytesDigest(m) {
			c.problem(versions, "version %d says that it has the files of version %d, and has others", v, r.To)
		}
	}
}
