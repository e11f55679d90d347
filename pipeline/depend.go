package pipeline

// A Depender is a Source that reads published partitions. What it needs of a partition is
// known without opening a file, so that a whole calendar is planned at once.
type Depender interface {
	Source
	// Needs names the published partitions that a run of p, of a pipeline with scheme s,
	// reads: in the order of their rows, each once. It opens no file. An error is Invalid.
	Needs(s Scheme, p Partition) ([]PartitionRef, error)
}

// PartitionRef is a partition of a dataset that something reads.
type PartitionRef struct {
	// Dataset is the directory of the dataset, relative to the project, with slashes.
	Dataset   string
	Partition Partition
	// Optional says that the reader does without it, if it was not published.
	Optional bool
}

// String is how people write the reference: "warehouse/clean@2001-07".
func (r PartitionRef) String() string { return r.Dataset + "@" + r.Partition.String() }

// A Lister is a Source that can say which files it would read, without opening one.
type Lister interface {
	Source
	// List gives the files that Resolve would read for env.Partition, in the order of their
	// rows, with Path, Bytes and Modified. Directories are listed and files are looked at; of
	// env, only Partition, Dir, Params and Dirs are used. A file that is missing is the error
	// that Resolve would give.
	List(env *Env) ([]File, error)
}
