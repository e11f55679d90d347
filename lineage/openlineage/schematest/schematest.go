// Package schematest checks events against the schemas of OpenLineage, for tests.
package schematest

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed schemas/*.json
var schemas embed.FS

const runEvent = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"

// facets are the definitions that the standard has for the facets at each place of an event.
var facets = map[string]map[string]string{
	"run": {
		"nominalTime": "NominalTimeRunFacet", "parent": "ParentRunFacet", "errorMessage": "ErrorMessageRunFacet",
		"processing_engine": "ProcessingEngineRunFacet", "tags": "TagsRunFacet", "test": "TestRunFacet",
	},
	"job": {
		"jobType": "JobTypeJobFacet", "documentation": "DocumentationJobFacet", "ownership": "OwnershipJobFacet",
		"sourceCodeLocation": "SourceCodeLocationJobFacet", "sql": "SQLJobFacet", "tags": "TagsJobFacet",
	},
	"dataset": {
		"dataSource": "DatasourceDatasetFacet", "schema": "SchemaDatasetFacet", "version": "DatasetVersionDatasetFacet",
		"columnLineage": "ColumnLineageDatasetFacet", "ownership": "OwnershipDatasetFacet", "tags": "TagsDatasetFacet",
		"dataQualityMetrics": "DataQualityMetricsDatasetFacet",
	},
	"input": {
		"inputStatistics": "InputStatisticsInputDatasetFacet", "dataQualityAssertions": "DataQualityAssertionsDatasetFacet",
		"subset": "InputSubsetInputDatasetFacet",
	},
	"output": {"outputStatistics": "OutputStatisticsOutputDatasetFacet", "subset": "OutputSubsetOutputDatasetFacet"},
}

var compiler = sync.OnceValue(func() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(jsonschema.SchemeURLLoader{}) // nothing is fetched
	names, err := fs.Glob(schemas, "schemas/*.json")
	for _, name := range names {
		text, rerr := schemas.ReadFile(name)
		doc, perr := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		err = errors.Join(err, rerr, perr)
		if err != nil {
			panic(err)
		}
		of := doc.(map[string]any)
		for def, s := range of["$defs"].(map[string]any) {
			closeOff(def, s.(map[string]any))
		}
		err = errors.Join(err, c.AddResource(of["$id"].(string), of))
	}
	if err != nil {
		panic(err)
	}
	return c
})

// bases are the definitions that others begin with.
var bases = []string{"BaseEvent", "BaseFacet", "RunFacet", "JobFacet", "DatasetFacet", "InputDatasetFacet", "OutputDatasetFacet", "Dataset"}

// closeOff allows no field that the definition doesn't have: the standard does, and a field that is
// misspelt would go through.
func closeOff(name string, def map[string]any) {
	if !slices.Contains(bases, name) && def["type"] == "object" {
		def["unevaluatedProperties"] = false
	}
}

// Check gives what is wrong with an event: of itself, and of each facet by its own schema.
func Check(event []byte) (problems []string) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(event))
	if err != nil {
		return []string{err.Error()}
	}
	problems = against(runEvent, "event", v)
	var e struct {
		Run, Job place
		Inputs   []struct {
			place
			InputFacets map[string]json.RawMessage
		}
		Outputs []struct {
			place
			OutputFacets map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return append(problems, err.Error())
	}
	problems = append(problems, checkFacets("run", e.Run.Facets)...)
	problems = append(problems, checkFacets("job", e.Job.Facets)...)
	for _, in := range e.Inputs {
		problems = append(problems, checkFacets("dataset", in.Facets)...)
		problems = append(problems, checkFacets("input", in.InputFacets)...)
	}
	for _, out := range e.Outputs {
		problems = append(problems, checkFacets("dataset", out.Facets)...)
		problems = append(problems, checkFacets("output", out.OutputFacets)...)
	}
	return problems
}

type place struct {
	Facets map[string]json.RawMessage
}

// checkFacets checks each by the schema that it names, which has to be the one of its place.
func checkFacets(at string, all map[string]json.RawMessage) (problems []string) {
	for name, text := range all {
		var base struct {
			SchemaURL string `json:"_schemaURL"`
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err = errors.Join(err, json.Unmarshal(text, &base)); err != nil {
			problems = append(problems, err.Error())
			continue
		}
		want, known := facets[at][name]
		switch {
		case !known:
			problems = append(problems, fmt.Sprintf("%s facet %q: the standard has none", at, name))
		case !strings.HasSuffix(base.SchemaURL, "#/$defs/"+want):
			problems = append(problems, fmt.Sprintf("%s facet %q: _schemaURL is %s, it is a %s", at, name, base.SchemaURL, want))
		default:
			problems = append(problems, against(base.SchemaURL, at+" facet "+name, v)...)
		}
	}
	return problems
}

func against(url, what string, v any) []string {
	s, err := compiler().Compile(url)
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", what, err)}
	}
	return nil
}
