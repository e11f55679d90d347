package openlineage

// RunFacets are what is said of a run.
type RunFacets struct {
	NominalTime  *NominalTime      `json:"nominalTime,omitempty"`
	Parent       *Parent           `json:"parent,omitempty"`
	ErrorMessage *ErrorMessage     `json:"errorMessage,omitempty"`
	Engine       *ProcessingEngine `json:"processing_engine,omitempty"`
	Tags         *Tags             `json:"tags,omitempty"`
	Test         *Test             `json:"test,omitempty"`
}

// JobFacets are what is said of a job.
type JobFacets struct {
	JobType            *JobType            `json:"jobType,omitempty"`
	Documentation      *Documentation      `json:"documentation,omitempty"`
	Ownership          *Ownership          `json:"ownership,omitempty"`
	SourceCodeLocation *SourceCodeLocation `json:"sourceCodeLocation,omitempty"`
	SQL                *SQL                `json:"sql,omitempty"`
	Tags               *Tags               `json:"tags,omitempty"`
}

// DatasetFacets are what is said of a dataset, whoever reads or writes it.
type DatasetFacets struct {
	DataSource    *DataSource     `json:"dataSource,omitempty"`
	Schema        *Schema         `json:"schema,omitempty"`
	Version       *DatasetVersion `json:"version,omitempty"`
	ColumnLineage *ColumnLineage  `json:"columnLineage,omitempty"`
	Ownership     *Ownership      `json:"ownership,omitempty"`
	Tags          *Tags           `json:"tags,omitempty"`
	Metrics       *QualityMetrics `json:"dataQualityMetrics,omitempty"`
}

// InputFacets are what is said of a dataset that a run read.
type InputFacets struct {
	Statistics *Statistics        `json:"inputStatistics,omitempty"`
	Assertions *QualityAssertions `json:"dataQualityAssertions,omitempty"`
	Subset     *InputSubset       `json:"subset,omitempty"`
}

// OutputFacets are what is said of a dataset that a run wrote.
type OutputFacets struct {
	Statistics *Statistics   `json:"outputStatistics,omitempty"`
	Subset     *OutputSubset `json:"subset,omitempty"`
}

// Base is what each facet begins with: who says it, and by which schema.
type Base struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

// facet is the base of a facet of the standard. Its name is that of its file, and of its
// definition there, unless it shares the file with another.
func facet(version, name string) Base { return facetIn(version, name, name) }

func facetIn(version, file, name string) Base {
	return Base{Producer, "https://openlineage.io/spec/facets/" + version + "/" + file + ".json#/$defs/" + name}
}

// NominalTime is the window of time that a run is about.
type NominalTime struct {
	Base
	Start string `json:"nominalStartTime"`
	End   string `json:"nominalEndTime,omitempty"`
}

// Parent is the run that a run is part of, and the one that all are.
type Parent struct {
	Base
	Of
	Root *Of `json:"root,omitempty"`
}

// Of names a run and its job.
type Of struct {
	Run struct {
		RunID string `json:"runId"`
	} `json:"run"`
	Job struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"job"`
}

// ErrorMessage is why a run did not end well.
type ErrorMessage struct {
	Base
	Message  string `json:"message"`
	Language string `json:"programmingLanguage"`
}

// ProcessingEngine is what runs it: this program, at its version.
type ProcessingEngine struct {
	Base
	Version string `json:"version"`
	Name    string `json:"name"`
}

// Tags of a run, a job, a dataset, or a column of it.
type Tags struct {
	Base
	Tags []Tag `json:"tags"`
}

// Tag is one of them. Field is the column, of a dataset's.
type Tag struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source,omitempty"`
	Field  string `json:"field,omitempty"`
}

// JobType says what sort of job it is: PIPELINE, BACKFILL, STAGE, GATES.
type JobType struct {
	Base
	Processing  string `json:"processingType"`
	Integration string `json:"integration"`
	Type        string `json:"jobType"`
}

// Documentation is what people say of a job.
type Documentation struct {
	Base
	Description string `json:"description"`
}

// Ownership names who answers for a job or a dataset.
type Ownership struct {
	Base
	Owners []Owner `json:"owners"`
}

// Owner is one who does.
type Owner struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

// SourceCodeLocation is where the pipeline file is kept.
type SourceCodeLocation struct {
	Base
	Type    string `json:"type"`
	URL     string `json:"url"`
	RepoURL string `json:"repoUrl,omitempty"`
	Path    string `json:"path,omitempty"`
	Version string `json:"version,omitempty"`
}

// SQL is the query that a stage computes, without the texts in it.
type SQL struct {
	Base
	Query   string `json:"query"`
	Dialect string `json:"dialect,omitempty"`
}

// DataSource is where a dataset is.
type DataSource struct {
	Base
	Name string `json:"name"`
	URI  string `json:"uri"`
}

// Schema is the columns of a dataset.
type Schema struct {
	Base
	Fields []Field `json:"fields"`
}

// Field is a column.
type Field struct {
	Name     string `json:"name"`
	Type     string `json:"type,omitempty"`
	Position int    `json:"ordinal_position,omitempty"`
}

// DatasetVersion is the version that was read or written.
type DatasetVersion struct {
	Base
	Version string `json:"datasetVersion"`
}

// Statistics count what was read, or written.
type Statistics struct {
	Base
	Rows  *int64 `json:"rowCount,omitempty"`
	Bytes *int64 `json:"size,omitempty"`
	Files *int64 `json:"fileCount,omitempty"`
}

// InputSubset says which partitions were read.
type InputSubset struct {
	Base
	Condition Partitions `json:"inputCondition"`
}

// OutputSubset says which partition was written.
type OutputSubset struct {
	Base
	Condition Partitions `json:"outputCondition"`
}

// Partitions are some of a dataset's.
type Partitions struct {
	Type       string             `json:"type"`
	Partitions []DatasetPartition `json:"partitions"`
}

// DatasetPartition is one of them.
type DatasetPartition struct {
	Identifier string            `json:"identifier,omitempty"`
	Dimensions map[string]string `json:"dimensions"`
}
