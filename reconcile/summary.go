package reconcile

import (
	"fmt"
	"strings"

	"github.com/penstock-data/penstock/operators/sql"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// Summary adds up what Sides gives: a row for each outcome, pass, column and cause, in their order,
// with how many breaks there are, and the rows and amounts of both sides that they account for. A
// pair that differs in several columns is accounted for with the first of them; so left_total and
// right_total over all rows are those of the inputs. delta is of the column, and where there is none
// of the amount.
//
//	Summary(outcomes) → outcome, pass, column, cause, breaks, left_rows, right_rows, left_total, right_total, delta
func Summary() pipeline.Operator { return sql.Query(summary, "outcomes") }

var summary = fmt.Sprintf(`SELECT %[1]s,
	count_if(outcome <> '%[2]s') AS breaks, CAST(sum(left_rows) AS BIGINT) AS left_rows, CAST(sum(right_rows) AS BIGINT) AS right_rows,
	sum(left_total) AS left_total, sum(right_total) AS right_total, sum(delta) AS delta
FROM outcomes GROUP BY %[1]s ORDER BY %[1]s`, quotedNames(words.ColOutcome, words.ColPass, words.ColColumn, words.ColCause), words.Matched)

func quotedNames(names ...string) string { return `"` + strings.Join(names, `", "`) + `"` }
