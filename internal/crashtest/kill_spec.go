package crashtest

import "time"

// Spec describes a pipeline in so few words that two programs can know what it does: the
// one that is killed runs it, the one that kills computes what should come out.
type Spec struct {
	// Format is that of the inputs, in/PARTITION.FORMAT: csv or jsonl.
	Format string `json:"format"`
	// Parts are the named partitions; none: the dataset is one.
	Parts []string `json:"parts"`
	// Hours is how many partitions there are of an hour each, from 2001-01-01T00, in place of Parts.
	Hours  int     `json:"hours,omitempty"`
	Stages []Stage `json:"stages"`
	// Keep is how many earlier versions are kept.
	Keep int `json:"keep"`
}

// Stage reads the columns id, v and s, and hands them on.
type Stage struct {
	Name string `json:"name"`
	// From is another stage, or "in".
	From string `json:"from"`
	// Rows whose v is Rest modulo Mod are left out, where Mod is not 0; then Add is added to v.
	Mod  int64 `json:"mod"`
	Rest int64 `json:"rest"`
	Add  int64 `json:"add"`
	// Low puts rows with a smaller v aside, where it is not 0; a row with a v above Most blocks.
	Low  int64 `json:"low"`
	Most int64 `json:"most"`
	// Output is the format of the dataset out/NAME; empty: there is none. Always publishes it also
	// where a stage blocks that it is not made of.
	Output string `json:"output"`
	Always bool   `json:"always,omitempty"`
}

// Hour gives the name of an hour's partition.
func Hour(n int) string {
	return time.Date(2001, 1, 1, n, 0, 0, 0, time.UTC).Format("2006-01-02T15")
}

// Command is a line that the child reads.
type Command struct {
	Op string `json:"op"`
	// Partition and Stage are what it is about.
	Partition string `json:"partition,omitempty"`
	Stage     string `json:"stage,omitempty"`
	Version   int64  `json:"version,omitempty"`
	// Point, Count and Action arm a point, before the command is carried out.
	Point  string `json:"point,omitempty"`
	Count  int    `json:"count,omitempty"`
	Action string `json:"action,omitempty"`
}

// Reply is a line that the child writes when a command is done: an acknowledgement.
type Reply struct {
	Op        string `json:"op"`
	Partition string `json:"partition,omitempty"`
	Run       string `json:"run,omitempty"`
	Status    string `json:"status"`
	Error     string `json:"error,omitempty"`
	// Held are the datasets of which a version waits for a decision.
	Held []string `json:"held,omitempty"`
	// Hits says how often each point was passed since the last reply.
	Hits map[string]int `json:"hits,omitempty"`
	// Seconds is how long a plan took, and Runs how many partitions it would run.
	Seconds float64 `json:"seconds,omitempty"`
	Runs    int     `json:"runs,omitempty"`
	// Goroutines and Files are how many there are.
	Goroutines int `json:"goroutines"`
	Files      int `json:"files"`
}
