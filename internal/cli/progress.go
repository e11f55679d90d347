package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/penstock-data/penstock/pipeline"
)

// progress shows how far a run is: a bar for each stage on a terminal, a line for
// each stage elsewhere, objects with --log-format json, nothing with --quiet.
type progress struct {
	app *app
	how func(*progress) *pipeline.Listener

	pipeline string
	bar      *progressbar.ProgressBar
	stage    string // of the bar
}

func (a *app) newProgress() *progress {
	p := &progress{app: a, how: (*progress).plain}
	switch {
	case a.quiet:
		p.how = func(*progress) *pipeline.Listener { return nil }
	case a.logFormat == "json":
		p.how = (*progress).structured
	case a.isTerminal():
		p.how = (*progress).bars
	}
	return p
}

// isTerminal reports whether stderr is a terminal that may show bars.
func (a *app) isTerminal() bool {
	f, ok := a.stderr.(*os.File)
	if !ok || os.Getenv("CI") == "true" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *progress) listener() *pipeline.Listener { return p.how(p) }

// end takes a bar that was not finished off the screen.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear() // it is only for show
		p.bar = nil
	}
}

func (p *progress) plain() *pipeline.Listener {
	return &pipeline.Listener{StageDone: func(e pipeline.StageDone) {
		if e.Err == nil {
			p.app.say("%s %s: stage %s: %s in, %s out, %s", p.pipeline, e.Partition, e.Record.Name,
				plural(e.Record.RowsIn, "row", "rows"), count(e.Record.RowsOut), seconds(e.Record.Seconds))
		}
	}}
}

// newBar draws a bar of things that are counted up to a number; -1 is not known.
func (a *app) newBar(n int64, things string, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(n, append([]progressbar.Option{
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetItsString(things),
		progressbar.OptionShowIts(),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionEnableColorCodes(!a.noColor),
		progressbar.OptionThrottle(65 * time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine that draws on by itself
		progressbar.OptionClearOnFinish(),
		progressbar.OptionUseANSICodes(true),
	}, more...)...)
}

func (p *progress) bars() *pipeline.Listener {
	return &pipeline.Listener{
		StageStarted: func(e pipeline.StageStarted) {
			p.end()
			p.stage = e.Stage
			p.bar = p.app.newBar(max(e.Rows, -1), "rows", progressbar.OptionFullWidth(),
				progressbar.OptionSetDescription(fmt.Sprintf("%s %s %s", p.pipeline, e.Partition, e.Stage)))
		},
		Progress: func(e pipeline.Progress) {
			if p.bar != nil && e.Stage == p.stage {
				_ = p.bar.Set64(e.RowsIn) // it is only for show
			}
		},
		StageDone: func(pipeline.StageDone) { p.end() },
	}
}

func (p *progress) structured() *pipeline.Listener {
	log := func(partition string, fields map[string]any) {
		fields["pipeline"], fields["partition"] = p.pipeline, partition
		text, err := json.Marshal(fields)
		if err == nil {
			fmt.Fprintf(p.app.stderr, "%s\n", text)
		}
	}
	return &pipeline.Listener{
		StageStarted: func(e pipeline.StageStarted) {
			log(e.Partition, map[string]any{"event": "stage_started", "stage": e.Stage, "rows": e.Rows})
		},
		StageDone: func(e pipeline.StageDone) {
			fields := map[string]any{"event": "stage_done", "stage": e.Record.Name}
			if e.Err != nil {
				fields["error"] = e.Err.Error()
			} else {
				fields["rows_in"], fields["rows_out"] = e.Record.RowsIn, e.Record.RowsOut
				fields["rows_quarantined"], fields["seconds"] = e.Record.RowsQuarantined, e.Record.Seconds
				fields["rows_filtered"] = e.Record.RowsFiltered
			}
			log(e.Partition, fields)
		},
	}
}
