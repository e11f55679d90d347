//go:build failpoints

// Child is the process that is killed: it opens the project in the working directory, and
// carries out the commands that it reads, a line each. Each is acknowledged by a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"

	"github.com/penstock-data/penstock"
	"github.com/penstock-data/penstock/internal/crashtest"
	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

func main() {
	if err := serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// child is a project and the pipeline that is run in it.
type child struct {
	spec    crashtest.Spec
	pl      *pipeline.Pipeline
	project *penstock.Project
	hits    map[string]int
	out     *json.Encoder
}

func serve(ctx context.Context) error {
	text, err := os.ReadFile("spec.json")
	if err != nil {
		return err
	}
	c := &child{hits: map[string]int{}, out: json.NewEncoder(os.Stdout)}
	if err := json.Unmarshal(text, &c.spec); err != nil {
		return err
	}
	c.pl = describe(c.spec)
	keep := c.spec.Keep
	if keep == 0 {
		keep = -1
	}
	if c.project, err = penstock.Open(ctx, ".", penstock.Options{Actor: "child", Workers: 2, Keep: keep}); err != nil {
		return err
	}
	if err := c.reply(crashtest.Reply{Op: "open", Status: "done"}); err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var cmd crashtest.Command
		if err := json.Unmarshal(in.Bytes(), &cmd); err != nil {
			return err
		}
		faults.Arm(cmd.Point, cmd.Count, faults.Action(cmd.Action))
		r, err := c.do(ctx, cmd)
		faults.Arm("", 0, "")
		r.Op, r.Partition = cmd.Op, cmd.Partition
		if err != nil {
			r.Error = err.Error()
		}
		if err := c.reply(r); err != nil {
			return err
		}
	}
	return c.project.Close()
}

// reply acknowledges a command.
func (c *child) reply(r crashtest.Reply) error {
	if r.Op == "part" {
		return c.out.Encode(r)
	}
	r.Hits = map[string]int{}
	for name, n := range faults.Hits() {
		if n -= c.hits[name]; n > 0 {
			r.Hits[name], c.hits[name] = n, c.hits[name]+n
		}
	}
	r.Goroutines = runtime.NumGoroutine()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	r.Files = len(open)
	return c.out.Encode(r)
}

func (c *child) do(ctx context.Context, cmd crashtest.Command) (crashtest.Reply, error) {
	switch cmd.Op {
	case "run":
		rec, err := c.project.Run(ctx, c.pl, cmd.Partition)
		return answer(rec), err
	case "plan":
		return c.plan(ctx)
	case "backfill":
		return c.backfill(ctx)
	case "approve":
		return c.approve(ctx, cmd.Partition)
	case "release":
		return c.release(ctx, cmd)
	case "rollback":
		rec, err := c.project.Rollback(ctx, "out/"+cmd.Stage, name(cmd.Partition), cmd.Version, "a test")
		return answer(rec), err
	case "gc":
		_, err := c.project.GC(ctx, false)
		return crashtest.Reply{Status: "done"}, err
	}
	return crashtest.Reply{}, fmt.Errorf("unknown command %q", cmd.Op)
}

func answer(rec *pipeline.RunRecord) crashtest.Reply {
	r := crashtest.Reply{Run: rec.Run, Status: string(rec.Status)}
	for _, h := range rec.Held {
		r.Held = append(r.Held, path.Base(h.Dataset))
	}
	return r
}

// plan says what a backfill would run.
func (c *child) plan(ctx context.Context) (crashtest.Reply, error) {
	parts, err := c.pl.Partitions.Range("", "")
	if err != nil {
		return crashtest.Reply{}, err
	}
	clock := faults.SystemClock()
	begun := clock.Now()
	plan, err := c.project.Plan(ctx, c.pl, parts, penstock.PlanOptions{})
	if err != nil {
		return crashtest.Reply{}, err
	}
	r := crashtest.Reply{Status: "done", Seconds: clock.Now().Sub(begun).Seconds()}
	for i := range plan.Partitions {
		if plan.Partitions[i].Runs() {
			r.Runs++
		}
	}
	return r, nil
}

// backfill runs all partitions, and acknowledges each.
func (c *child) backfill(ctx context.Context) (crashtest.Reply, error) {
	parts, err := c.pl.Partitions.Range("", "")
	if err != nil {
		return crashtest.Reply{}, err
	}
	var failed error
	listener := &penstock.BackfillListener{Done: func(rec *pipeline.RunRecord, err error) {
		r := answer(rec)
		r.Op, r.Partition = "part", rec.Partition
		if err != nil {
			r.Error = err.Error()
		}
		failed = errors.Join(failed, c.reply(r))
	}}
	_, err = c.project.Backfill(ctx, c.pl, parts, penstock.BackfillOptions{Parallel: 2, Retries: -1, Listener: listener})
	return crashtest.Reply{Status: "done"}, errors.Join(err, failed)
}

// approve publishes what the latest blocked run of the partition holds.
func (c *child) approve(ctx context.Context, partition string) (crashtest.Reply, error) {
	runs, err := c.project.Runs(ctx, penstock.RunFilter{Partition: name(partition)})
	// The newest that a gate blocked; if it was approved of already, that is done.
	i := slices.IndexFunc(runs, func(r *pipeline.RunRecord) bool { return r.Status == pipeline.Blocked || len(r.Approvals) > 0 })
	if err != nil || i < 0 {
		return crashtest.Reply{Status: "nothing to approve"}, err
	}
	if runs[i].Status != pipeline.Blocked {
		return answer(runs[i]), nil
	}
	var gates []string
	for _, f := range runs[i].Gates {
		if f.Blocks() {
			gates = append(gates, f.Stage+"/"+f.Name)
		}
	}
	a, err := c.project.Approve(ctx, runs[i].Run, penstock.Approve{Gates: gates, Reason: "a test"})
	if err != nil {
		return crashtest.Reply{Status: "refused"}, err
	}
	return answer(a.Run), nil
}

func name(partition string) string {
	if partition == "" {
		return "all"
	}
	return partition
}

// release lets all quarantined rows of a stage through.
func (c *child) release(ctx context.Context, cmd crashtest.Command) (crashtest.Reply, error) {
	rec, err := c.project.Release(ctx, c.pl, penstock.ReleaseOptions{
		Stage: cmd.Stage, Partition: cmd.Partition, Waive: []string{"low"}, Reason: "a test",
	})
	return answer(rec), err
}
