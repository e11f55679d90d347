package gates

import (
	"strings"
	"testing"
)

// Every metric and summary is documented, by its own name, and nothing else is.
func TestMetricsAreDocumented(t *testing.T) {
	for what, docs := range map[string][]MetricDoc{"metric": MetricDocs(), "summary": SummaryDocs()} {
		for _, d := range docs {
			if !strings.HasPrefix(d.Call, d.Name+"(") || !strings.HasSuffix(d.Doc, ".") {
				t.Errorf("%s %s: called as %q: %q", what, d.Name, d.Call, d.Doc)
			}
		}
	}
	if len(metricDocs) != len(metricFuncs) || len(summaryDocs) != len(summaryFuncs) {
		t.Errorf("%d metrics and %d summaries are documented, there are %d and %d", len(metricDocs), len(summaryDocs), len(metricFuncs), len(summaryFuncs))
	}
}
