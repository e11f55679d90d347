package gates

import (
	"math"
	"slices"

	"github.com/penstock-data/penstock/pipeline"
)

// maxTrend is how many past partitions a measure tells of.
const maxTrend = 30

// measures gives the values of the metrics that statements name.
func (c *court) measures() []pipeline.Measure {
	all := []pipeline.Measure{}
	for _, r := range c.rules {
		for _, s := range []*statement{r.expect, r.warn} {
			if s == nil || len(r.by) > 0 {
				continue
			}
			for _, call := range s.calls {
				known := slices.ContainsFunc(all, func(m pipeline.Measure) bool { return m.Metric == call.Text })
				if known || call.Past != nil || call.own < 0 || call.fn.read == nil {
					continue
				}
				all = append(all, c.measure(call))
			}
		}
	}
	return all
}

func (c *court) measure(call boundCall) pipeline.Measure {
	v := c.read(call, c.total.states, "")
	m := pipeline.Measure{Metric: call.Text, Text: c.shown(call, reading{value: v.value})}
	n, ok := finite(v.value)
	if ok {
		m.Number = &n
	}
	if ok && v.within != nil {
		m.Error = max(v.within.High-n, n-v.within.Low)
	}
	of := c.metrics[call.own]
	if d, ok := c.total.states[call.own].(distribution); ok {
		m.Bins = d.bins()
	}
	looked := 0
	for manifest, err := range c.history.manifests() {
		if looked++; err != nil || looked > maxTrend || m.Number == nil {
			break
		}
		s, ok := of.open(c.with()).(loader)
		if text, has := manifest.Metrics[of.text]; ok && has && s.UnmarshalJSON(text) == nil {
			if n, ok := finite(call.fn.read(s, call.Consts).value); ok {
				m.Past = append(m.Past, pipeline.PastValue{Partition: manifest.Partition, Value: n})
			}
		}
	}
	slices.Reverse(m.Past)
	return m
}

// finite is a metric as a number that JSON can hold.
func finite(v any) (float64, bool) {
	n, ok := asNumber(v)
	return n, ok && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// A distribution is a state that can be drawn.
type distribution interface{ bins() []pipeline.Bin }
