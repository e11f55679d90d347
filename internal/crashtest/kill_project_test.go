package crashtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// trial is a project in which processes are killed.
type trial struct {
	*campaign
	*world
	p *process
}

// project makes a random one and has cycles in it.
func (c *campaign) project(dir string, seed uint64) error {
	w, err := newWorld(dir, rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		return err
	}
	t := &trial{campaign: c, world: w}
	if err := t.live(); err != nil {
		return fmt.Errorf("%w\n%s", err, strings.Join(w.told[max(0, len(w.told)-40):], "\n"))
	}
	return nil
}

// live has the cycles.
func (t *trial) live() error {
	watch := newReader(t.world)
	defer func() {
		t.mu.Lock()
		t.reads += watch.stop()
		t.mu.Unlock()
	}()
	for range t.cyclesEach {
		if !t.goesOn() {
			break
		}
		if err := t.cycle(); err != nil {
			return err
		}
	}
	if t.p != nil {
		if err := t.p.quit(); err != nil {
			return err
		}
	}
	return errors.Join(t.look(settled, nil), watch.err())
}

// cycle has commands carried out until one is interrupted, and then that one again.
func (t *trial) cycle() error {
	for {
		if t.p == nil {
			if err := t.open("", nil); err != nil {
				return err
			}
		}
		s, dead, err := t.attempt()
		if err != nil {
			return err
		}
		if dead {
			return t.recover(s)
		}
	}
}

// open starts a process, after one was interrupted that makes what is next.
func (t *trial) open(failpoint string, next map[string]cell) (err error) {
	if t.p, err = start(t.exe, t.dir, failpoint); err != nil {
		return err
	}
	r, alive := <-t.p.replies
	if !alive {
		return nil
	}
	t.learn("open", r)
	return t.look(started, next)
}

// attempt chooses a command, and where or when the process dies of it.
func (t *trial) attempt() (s step, dead bool, err error) {
	steps, err := t.steps()
	if err != nil {
		return s, false, err
	}
	var kinds []string
	for _, s := range steps {
		kinds = append(kinds, s.kind())
	}
	i, point, n := t.target(t.rng, kinds)
	if t.rng.IntN(4) == 0 {
		i, point = t.rng.IntN(len(steps)), ""
	}
	alive, err := t.do(steps[i], point, n)
	return steps[i], !alive, err
}

// steps are the commands that make sense now, after something may have changed.
func (t *trial) steps() ([]step, error) {
	part := t.parts()[t.rng.IntN(len(t.parts()))]
	switch t.rng.IntN(8) {
	case 0:
		s, err := t.damage(part)
		if err != nil || len(t.damaged) > 0 {
			return []step{s}, err
		}
	case 1, 2, 3:
		if err := t.give(part); err != nil {
			return nil, err
		}
	}
	return t.choose(), nil
}

// do sends a command, and takes what is acknowledged. It is interrupted at the point, or
// after a while.
func (t *trial) do(s step, point string, n int) (alive bool, err error) {
	cmd := s.Command
	if point != "" {
		cmd.Point, cmd.Count, cmd.Action = point, n, "kill"
	} else if n >= 0 {
		soon := time.AfterFunc(time.Duration(t.rng.IntN(40_000))*time.Microsecond, t.p.kill)
		defer soon.Stop()
	}
	t.tell("%+v", cmd)
	t.p.send(cmd)
	for r := range t.p.replies {
		t.tell("\t%s %q: run %s is %s, held %v %.300s", r.Op, r.Partition, r.Run, r.Status, r.Held, r.Error)
		t.learn(s.kind(), r)
		if err := t.acknowledged(s, r); err != nil {
			return true, err
		}
		if r.Op == s.Op {
			return true, nil
		}
	}
	if !t.p.wasKilled() {
		return false, fmt.Errorf("%+v: the process ended by itself: %w: %s", cmd, t.p.end, t.p.stderr.String())
	}
	t.tell("\tkilled")
	if s.Op == "backfill" { // what it held is not run again, and not told
		clear(t.held)
	}
	t.killed(point)
	if t.p.family() {
		return false, errors.New("I8: a process is left of one that was killed")
	}
	return false, t.look(killed, s.next)
}

// acknowledged checks an answer, and that what it says is there.
func (t *trial) acknowledged(s step, r Reply) error {
	want := s.status
	if r.Op == "part" {
		want = t.run(r.Partition).status
	}
	g := t.inputs[r.Partition]
	switch {
	case strings.Contains(r.Error, secret):
		return fmt.Errorf("I9: the error shows a row: %s", r.Error)
	case want == "failed":
		if r.Status != "failed" || !strings.Contains(r.Error, "in/"+name(r.Partition)) {
			return fmt.Errorf("I9: %s of a torn input gives %q, %q", r.Op, r.Status, r.Error)
		}
	case r.Error != "":
		return fmt.Errorf("I7: %s %s fails: %s", r.Op, r.Partition, r.Error)
	case want != "" && !strings.Contains(want, r.Status):
		return fmt.Errorf("I7: %s %s is %s, want %s of %s", r.Op, r.Partition, r.Status, want, g.rows.text())
	}
	return t.done(s, r)
}

// recover starts processes until one has done again what was interrupted; some of them die
// of it, too.
func (t *trial) recover(s step) error {
	for {
		failpoint := ""
		_, point, n := t.target(t.rng, []string{"open"})
		if point != "" && t.rng.IntN(4) == 0 {
			failpoint = fmt.Sprintf("kill:%d:%s", n, point)
		}
		if err := t.open(failpoint, s.next); err != nil {
			return err
		}
		if t.p.cmd.ProcessState != nil {
			if !t.p.wasKilled() || failpoint == "" {
				return fmt.Errorf("I7: a project can't be opened: %w: %s", t.p.end, t.p.stderr.String())
			}
			t.killed(point)
			if err := t.look(killed, s.next); err != nil {
				return err
			}
			continue
		}
		ready := time.Since(t.p.started)
		begun := time.Now()
		again, n := "", -1
		if t.rng.IntN(8) == 0 {
			if _, again, n = t.target(t.rng, []string{s.kind()}); again == "" {
				n = -1
			}
		}
		alive, err := t.do(s, again, n)
		if err != nil {
			return err
		}
		if alive {
			t.recovered(ready + time.Since(begun))
			return t.look(settled, nil)
		}
	}
}

// look checks all that can be checked now. What may be there is what was, or what the
// command that was interrupted makes.
func (t *trial) look(w when, next map[string]cell) error {
	c := check(t.dir, w, t.spec.Keep, t.damaged)
	t.mu.Lock()
	t.looks++
	t.mu.Unlock()
	for _, st := range t.outputs() {
		for _, part := range t.parts() {
			t.lookAt(c, st.Name, part, next)
		}
	}
	if len(c.wrong) > 0 {
		return fmt.Errorf("%d things are wrong in %s (%d):\n%s", len(c.wrong), t.dir, w, strings.Join(c.wrong, "\n"))
	}
	return nil
}

// lookAt compares what readers see of an output with what it should be.
func (t *trial) lookAt(c *checker, stage, part string, next map[string]cell) {
	dir, key := visibleDir(stage, part), stage+"@"+part
	if t.damaged[dir] {
		return
	}
	var may []cell
	was, ok := t.now[key]
	if ok {
		may = append(may, was)
	}
	if n, ok := next[key]; ok {
		may = append(may, n)
	}
	m := c.visible[dir]
	if m == nil {
		if ok {
			c.bad("I2", "%s was acknowledged, and is not there", dir)
		}
		return
	}
	rows, err := rowsOf(t.dir+"/"+dir, m)
	if err != nil {
		c.bad("I2", "%v", err)
		return
	}
	var as []cell // two versions may have the same rows, or none, of other inputs
	for _, m := range may {
		if m.rows.text() == rows.text() {
			as = append(as, m)
		}
	}
	if len(as) == 0 {
		c.bad("I2", "%s shows\n%s\nwant one of", dir, rows.text())
		for _, m := range may {
			c.wrong = append(c.wrong, "\t"+m.rows.text())
		}
		return
	}
	i := slices.IndexFunc(as, func(as cell) bool { return as.released || as.madeOf(m) })
	if i < 0 {
		c.bad("I10", "%s says that it was made of %+v, want %v", dir, m.Inputs, as[0].shas)
		return
	}
	if t.versions[key] == nil {
		t.versions[key] = map[int64]cell{}
	}
	t.versions[key][m.Version] = as[i]
}

// madeOf reports whether a manifest says that it was made of an input that the cell is of.
func (c cell) madeOf(m *manifest) bool {
	return !slices.ContainsFunc(m.Inputs, func(in input) bool {
		return in.Name == "in" && !slices.Contains(c.shas, in.Files[0].SHA256)
	})
}
