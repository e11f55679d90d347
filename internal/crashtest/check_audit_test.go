package crashtest

import (
	"context"
	"strings"

	"github.com/penstock-data/penstock/lineage/audit"
)

// audit checks that no crash looks like somebody who changed the record: all that is there is on
// a chain, as it is, but for what a test has damaged itself.
func (c *checker) audit() {
	r, err := audit.Verify(context.Background(), c.root, audit.Options{})
	if err != nil {
		c.bad("audit", "%v", err)
		return
	}
	for _, p := range r.Problems {
		if !c.damages(p.Path) {
			c.bad("audit", "%s", p)
		}
	}
}

// damages reports whether a test has put something wrong into a file of a partition.
func (c *checker) damages(file string) bool {
	for dir := range c.damaged {
		dataset, partition, _ := strings.Cut(strings.TrimPrefix(dir, "out/"), "/")
		if strings.HasPrefix(file, dir+"/") || strings.HasPrefix(file, "out/.penstock/datasets/"+dataset+"/versions/"+partition+"/") {
			return true
		}
	}
	return false
}
