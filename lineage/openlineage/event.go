package openlineage

import "time"

// Producer is who makes the events.
const Producer = "https://github.com/penstock-data/penstock"

// eventSchema is the version of the standard that events are of.
const eventSchema = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"

// Type is what has become of a run.
type Type string

// The types of events.
const (
	Start    Type = "START"
	Running  Type = "RUNNING"
	Complete Type = "COMPLETE"
	Abort    Type = "ABORT"
	Fail     Type = "FAIL"
)

// Event is a run event of the standard.
type Event struct {
	EventType Type            `json:"eventType"`
	EventTime string          `json:"eventTime"`
	Run       Run             `json:"run"`
	Job       Job             `json:"job"`
	Inputs    []InputDataset  `json:"inputs"`
	Outputs   []OutputDataset `json:"outputs"`
	Producer  string          `json:"producer"`
	SchemaURL string          `json:"schemaURL"`
}

// Run is a run of a job.
type Run struct {
	RunID  string    `json:"runId"`
	Facets RunFacets `json:"facets"`
}

// Job is what runs.
type Job struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Facets    JobFacets `json:"facets"`
}

// InputDataset is a dataset that a run read.
type InputDataset struct {
	DatasetID
	Facets      DatasetFacets `json:"facets"`
	InputFacets InputFacets   `json:"inputFacets"`
}

// OutputDataset is a dataset that a run wrote.
type OutputDataset struct {
	DatasetID
	Facets       DatasetFacets `json:"facets"`
	OutputFacets OutputFacets  `json:"outputFacets"`
}

// DatasetID names a dataset the same way for everybody who reads or writes it.
type DatasetID struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// timestamp is a time as the standard has it. It keeps microseconds: events are told apart by it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }
