package pipeline

// Listener is told what a run does. Nil functions are left out. Calls come from
// one goroutine at a time and must return soon.
type Listener struct {
	// StageStarted is told before the first row of a stage that writes or judges.
	StageStarted func(StageStarted)
	// Progress is told after each unit of work, in order.
	Progress func(Progress)
	// StageDone is told when a stage is finished, or has failed.
	StageDone func(StageDone)
}

// StageStarted says that a stage begins.
type StageStarted struct {
	Partition, Stage string
	// Rows is how many rows will come in, or -1 where that is not known.
	Rows int64
}

// Progress says how far a stage is.
type Progress struct {
	Partition, Stage string
	// RowsIn counts the rows that entered the stage so far.
	RowsIn int64
}

// StageDone says how a stage ended.
type StageDone struct {
	Partition string
	Record    StageRecord
	Findings  []Finding
	Err       error
}

func (l *Listener) started(e StageStarted) {
	if l != nil && l.StageStarted != nil {
		l.StageStarted(e)
	}
}

func (l *Listener) progress(e Progress) {
	if l != nil && l.Progress != nil {
		l.Progress(e)
	}
}

func (l *Listener) done(e StageDone) {
	if l != nil && l.StageDone != nil {
		l.StageDone(e)
	}
}
