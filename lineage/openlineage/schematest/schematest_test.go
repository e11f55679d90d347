package schematest

import (
	"strings"
	"testing"
)

const facet = `{"_producer": "https://p", "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet", "nominalStartTime": "2001-01-01T00:00:00Z"}`

const event = `{"eventType": "START", "eventTime": "2001-01-01T00:00:00Z", "producer": "https://p",
	"schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
	"run": {"runId": "5e0c3b1d-72a4-5f0b-9d36-1b8ec72560af", "facets": {"nominalTime": ` + facet + `}},
	"job": {"namespace": "n", "name": "j", "facets": {}}, "inputs": [], "outputs": []}`

func TestCheck(t *testing.T) {
	if problems := Check([]byte(event)); problems != nil {
		t.Error(problems)
	}
	for _, c := range [][3]string{
		{`"START"`, `"BEGIN"`, "eventType"},
		{`"2001-01-01T00:00:00Z", "producer"`, `"yesterday", "producer"`, "date-time"},
		{"5e0c3b1d-72a4", "run-1", "uuid"},
		{`"name": "j", `, "", "name"},
		{`"inputs": []`, `"input": []`, "input"},
		{`"nominalTime":`, `"nominal":`, "the standard has none"},
		{"1-0-1/NominalTimeRunFacet", "1-0-9/NominalTimeRunFacet", "1-0-9"},
		{"NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet", "ParentRunFacet.json#/$defs/ParentRunFacet", "it is a NominalTimeRunFacet"},
		{`"nominalStartTime"`, `"nominalStart"`, "nominalStart"},
		{`"_producer": "https://p", `, "", "_producer"},
	} {
		broken := strings.Replace(event, c[0], c[1], 1)
		if broken == event {
			t.Fatalf("%s is not in the event", c[0])
		}
		if problems := strings.Join(Check([]byte(broken)), "\n"); !strings.Contains(problems, c[2]) {
			t.Errorf("%s in the place of %s: found %q, want something of %q", c[1], c[0], problems, c[2])
		}
	}
}
