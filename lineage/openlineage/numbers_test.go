package openlineage

import (
	"encoding/json"
	"math"
	"testing"
)

// Numbers that JSON does not have are not told, and harm nobody.
func TestNumbersThatAreNone(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		var c ColumnMetrics
		for _, name := range []string{"min", "max", "sum", "quantile"} {
			c.put(name, []string{"0.5"}, v)
		}
		if _, err := json.Marshal(&c); err != nil {
			t.Error(err)
		}
	}
}
