package gates

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/pipeline"
)

// What is compared with another input is computed of the columns as they are here, and as
// they are there, wherever they stand.
func TestComparedColumnsStandAnywhere(t *testing.T) {
	env := testEnv(t)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "other", Type: arrow.BinaryTypes.String}, {Name: "code", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	whole := batch(t, env.Alloc, schema, `[{"id": 1, "other": "a", "code": "us"}, {"id": 2, "other": "b", "code": "uk"}, {"id": 3, "other": "c", "code": null}]`)
	defer whole.Release()
	j := judgeAll(t, env, Of(
		Rule{Name: "alike", Check: Expect(`l_infinity("countries", code) == 0.0`)},
		Rule{Name: "rows", Check: Rows("id > 0")},
	), whole, 1)
	if f := j.findings[0]; f.Verdict != pipeline.Pass {
		t.Errorf("%s: %s %v", f.Verdict, f.Observed, f.Detail)
	}
	_, err := Of(Rule{Check: Expect(`psi("countries", code) < 0.1`)}).Bind(testSchema, pipeline.Surroundings{Inputs: func(string) *arrow.Schema { return countrySchema }})
	if err == nil || !strings.Contains(err.Error(), `"code"`) {
		t.Errorf("a column that is only there: %v", err)
	}
}
