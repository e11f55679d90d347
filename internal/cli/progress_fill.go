package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/pipeline"
)

// fillProgress shows how far a backfill is: one bar for all on a terminal; elsewhere, of few
// partitions a line for each stage, of many one for every thousandth part; objects with
// --log-format json; nothing with --quiet.
type fillProgress struct {
	*progress
	bars bool

	mu      sync.Mutex // held while the bar is drawn: a signal is told of at any time
	rec     *penstock.BackfillRecord
	running []string
	said    int // of how many partitions a line was said last
}

// manyPartitions is from how many on not each is told of.
const manyPartitions = 100

func (a *app) newFillProgress() *fillProgress {
	p := &fillProgress{progress: a.newProgress()}
	p.bars = a.isTerminal() && !a.quiet && a.logFormat == "text"
	return p
}

// listener is told of the stages of each run. What has a bar for all has none for each.
func (p *fillProgress) listener() *pipeline.Listener {
	if p.bars {
		return nil
	}
	l := p.progress.listener()
	if l == nil || p.app.logFormat == "json" {
		return l
	}
	done := l.StageDone
	l.StageDone = func(e pipeline.StageDone) {
		if !p.many() {
			done(e)
		}
	}
	return l
}

// many reports whether there are too many partitions to tell of each.
func (p *fillProgress) many() bool { return p.rec != nil && p.rec.Counts.ToRun > manyPartitions }

// planned begins the display.
func (p *fillProgress) planned(rec *penstock.BackfillRecord, _ *penstock.Plan) {
	p.rec, p.pipeline = rec, rec.Pipeline
	p.app.say("backfill %s: %s of %s to run", rec.ID, count(int64(rec.Counts.ToRun)), plural(int64(rec.Counts.Partitions), "partition", "partitions"))
	if !p.bars || rec.Counts.ToRun == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar = p.app.newBar(int64(rec.Counts.ToRun), "partitions", progressbar.OptionSetWidth(20), progressbar.OptionShowDescriptionAtLineEnd())
}

func (p *fillProgress) begun(partition string) {
	p.running = append(p.running, partition)
	p.draw()
}

// forget takes a partition from those that run.
func (p *fillProgress) forget(partition string) {
	if i := slices.Index(p.running, partition); i >= 0 {
		p.running = slices.Delete(p.running, i, i+1)
	}
	p.draw()
	p.sayHowFar()
}

func (p *fillProgress) done(rec *pipeline.RunRecord) { p.forget(rec.Partition) }

func (p *fillProgress) notRun(plan *penstock.PartitionPlan) {
	if !p.many() {
		why := "up to date"
		if text := reasons(plan); text != "" {
			why = "waits; " + text
		}
		p.end()
		p.app.say("%s %s: not run: %s", p.pipeline, plan.Name, why)
	}
	p.forget(plan.Name)
}

func (p *fillProgress) retried(partition string, err error, wait time.Duration) {
	p.end()
	first, _, _ := strings.Cut(err.Error(), "\n")
	p.app.say("%s %s: %s; tried again in %s", p.pipeline, partition, first, wait.Round(10*time.Millisecond))
	p.draw()
}

// draining is told at the first signal, by another goroutine.
func (p *fillProgress) draining() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.app.say("stopping: no more partitions begin, and those that run have %s; once more stops them now", drainTime)
}

// end takes the bar off the screen, so that something else can be written; draw puts it back.
func (p *fillProgress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *fillProgress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear() // it is only for show
	}
}

// maxRunning is how many running partitions are named.
const maxRunning = 3

// draw draws the bar as things are.
func (p *fillProgress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil || p.rec == nil {
		return
	}
	c := p.rec.Counts
	text := fmt.Sprintf("%s blocked, %s failed", count(int64(c.Blocked)), count(int64(c.Failed)))
	if len(p.running) > 0 {
		text += "; running"
	}
	for _, name := range p.running[:min(len(p.running), maxRunning)] {
		text += " " + name
	}
	if more := len(p.running) - maxRunning; more > 0 {
		text += fmt.Sprintf(" +%d", more)
	}
	p.bar.Describe(text)
	_ = p.bar.Set(min(c.Ended(), c.ToRun)) // it is only for show
}

// lines is about how many lines tell how far many partitions are.
const lines = 20

// sayHowFar says now and then how far many partitions are, where there is no bar.
func (p *fillProgress) sayHowFar() {
	c := p.rec.Counts
	if ended := c.Ended(); !p.bars && p.many() && p.app.logFormat == "text" && ended >= p.said+max(c.ToRun/lines, 1) {
		p.said = ended
		p.app.say("%s: %s of %s: %s published, %s unchanged, %s blocked, %s failed", p.pipeline, count(int64(ended)), count(int64(c.ToRun)),
			count(int64(c.Published)), count(int64(c.Unchanged)), count(int64(c.Blocked)), count(int64(c.Failed)))
	}
}
