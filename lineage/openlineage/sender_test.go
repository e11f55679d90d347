package openlineage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an outbox, what is on record, and a time that passes when somebody sleeps.
type world struct {
	t    *testing.T
	box  *Outbox
	mu   sync.Mutex
	now  time.Time
	naps []time.Duration
	recs map[string]*pipeline.RunRecord
	said []string

	drained chan struct{}
}

func newWorld(t *testing.T) *world {
	return &world{t: t, box: &Outbox{FS: faults.OS(), Dir: filepath.Join(t.TempDir(), "outbox")}, now: began, recs: map[string]*pipeline.RunRecord{}}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
	w.naps = append(w.naps, d)
	return ctx.Err()
}

func (w *world) pass(d time.Duration) { _ = w.sleep(context.Background(), d) }

func (w *world) run(_ context.Context, id string) (*pipeline.RunRecord, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id == "drain" {
		close(w.drained)
		w.drained = make(chan struct{})
		return &pipeline.RunRecord{Status: pipeline.Running}, nil
	}
	return w.recs[id], nil
}

func (w *world) sender(ts ...Transport) *Sender {
	return NewSender(&Config{Transports: ts, Warn: func(text string) { w.said = append(w.said, text) }}, w.box, Past{Dir: "/p", Run: w.run}, w.clock, w.sleep)
}

// begin puts a run on record, and into the outbox.
func (w *world) begin(id string) *Story {
	w.t.Helper()
	rec := &pipeline.RunRecord{Run: id, Pipeline: "p", Started: began, Penstock: "v1", Status: pipeline.Running}
	in := NewIntent("n", &pipeline.Pipeline{Name: "p"}, pipeline.Partition{}, rec, Code{})
	w.set(id, pipeline.Running)
	if err := w.box.Put(in); err != nil {
		w.t.Fatal(err)
	}
	return &Story{Intent: in, Record: rec}
}

func (w *world) set(id string, status pipeline.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recs[id] = &pipeline.RunRecord{Run: id, Pipeline: "p", Started: began, Penstock: "v1", Status: status}
}

// end is the end of a run that the sender hears of.
func (w *world) end(s *Sender, id string) {
	w.set(id, pipeline.Published)
	s.Ended(id)
}

// over is a wait that is over at once.
func over() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("no answer within 2s"))
	return ctx
}

// hanging is a transport that does not answer; reached tells that it was asked.
type hanging struct{ reached chan struct{} }

func (h *hanging) Name() string { return "hanging" }

func (h *hanging) Send(ctx context.Context, _ [][]byte) error {
	h.reached <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (w *world) waiting() []string {
	w.t.Helper()
	runs, err := w.box.List()
	if err != nil {
		w.t.Fatal(err)
	}
	return runs
}

// answers is a server that gives one answer after the other, the last one again and again; 0 is
// none: it hangs until it is closed. It keeps the types of the events that it takes.
type answers struct {
	*httptest.Server
	mu     sync.Mutex
	status []int
	took   []string
	asked  int
	reqs   []*http.Request
}

func newServerThat(t *testing.T, status ...int) *answers {
	a := &answers{status: status}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		code := a.status[min(a.asked, len(a.status)-1)]
		a.asked++
		a.reqs = append(a.reqs, r)
		a.mu.Unlock()
		if code == 0 {
			<-r.Context().Done()
			return
		}
		if code < 300 {
			var e Event
			if err := json.Unmarshal(body, &e); err != nil {
				t.Error(err)
			}
			a.mu.Lock()
			a.took = append(a.took, string(e.EventType)+" "+e.Run.Facets.Tags.Tags[0].Value)
			a.mu.Unlock()
		}
		w.Header().Set("Location", "https://u:p@elsewhere/x?k=1")
		w.WriteHeader(code)
		fmt.Fprint(w, "no such thing as https://u:p@h/x?token=1")
	}))
	t.Cleanup(a.Close)
	return a
}

// heard is how many events were taken.
func (a *answers) heard() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.took)
}

func (a *answers) transport() *server {
	return newServer("http", a.URL+"/api/v1/lineage", time.Minute, true)
}

func TestRunsAreTold(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 201)
	log := filepath.Join(t.TempDir(), "new", "events.jsonl")
	s := w.sender(&logFile{"file", log}, a.transport())
	story := w.begin("r1")
	s.Began(story)
	s.Runs(story, began.Add(time.Minute))
	for a.heard() < 2 || len(typesIn(t, log)) < 2 { // once the run has ended, nobody is told that it runs
		runtime.Gosched()
	}
	w.end(s, "r1")
	s.Flush(context.Background())
	want := []string{"START r1", "RUNNING r1", "COMPLETE r1"}
	if diff := cmp.Diff(want, a.took); diff != "" {
		t.Error(diff)
	}
	if got := typesIn(t, log); !slices.Equal(got, []string{"START", "RUNNING", "COMPLETE"}) {
		t.Error(got)
	}
	if left, _ := w.box.FS.ReadDir(w.box.Dir); len(left) > 0 || len(w.said) > 0 || len(w.naps) > 0 {
		t.Error(left, w.said, w.naps)
	}
	if d := s.Deliveries(); d[1] != (Delivery{Transport: "http", Sent: 1}) {
		t.Error(d)
	}
}

func typesIn(t *testing.T, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var e Event
		if json.Unmarshal([]byte(line), &e) == nil {
			all = append(all, string(e.EventType))
		}
	}
	return all
}

// A server that is down for a while is tried again, with waits that grow; what began is told with
// the end.
func TestServerThatIsDownForAWhile(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 503, 503, 500, 429, 201)
	s := w.sender(a.transport())
	s.Began(w.begin("r1")) // 503
	s.Flush(context.Background())
	w.set("r1", pipeline.Published)
	if len(a.took) > 0 || len(w.naps) > 0 {
		t.Error(a.took, w.naps)
	}
	w.pass(firstRest)
	w.naps = nil
	s = w.sender(a.transport()) // the next command
	s.Flush(context.Background())
	if diff := cmp.Diff([]string{"START r1", "COMPLETE r1"}, a.took); diff != "" {
		t.Error(diff)
	}
	if len(w.naps) != 3 || len(w.waiting()) > 0 {
		t.Error(w.naps, w.waiting())
	}
	for i, nap := range w.naps {
		if least := firstWait << i / 2; nap < least || nap > 3*least {
			t.Errorf("nap %d is %s", i, nap)
		}
	}
}

// One that stays down is left alone, longer each time, and costs the runs nothing; the others are
// told all the same. Nothing is lost.
func TestServerThatIsDown(t *testing.T) {
	w, a, up := newWorld(t), newServerThat(t, 503), newServerThat(t, 200)
	s := w.sender(a.transport(), &server{name: "up", url: up.URL, client: up.Client()})
	for i := range 20 {
		id := fmt.Sprintf("r%02d", i)
		s.Began(w.begin(id))
		w.end(s, id)
	}
	s.Flush(context.Background())
	if a.asked != 1+1+defaultRetries || len(up.took) != 40 || len(w.waiting()) != 20 {
		t.Errorf("asked %d times; the other took %d; %d wait", a.asked, len(up.took), len(w.waiting()))
	}
	if d := s.Deliveries(); d[0].Left != 20 || d[0].Error != "HTTP status 503" || d[1].Sent != 20 {
		t.Errorf("%+v", d)
	}
	// It comes back while runs go on: what was left is told, too, and once each to the other.
	a.status = []int{200}
	w.pass(firstRest)
	s = w.sender(a.transport(), &server{name: "up", url: up.URL, client: up.Client()})
	s.Flush(context.Background())
	if len(a.took) != 40 || len(up.took) != 40 || len(w.waiting()) != 0 {
		t.Errorf("it took %d, the other %d; %d wait", len(a.took), len(up.took), len(w.waiting()))
	}
}

// At the end nobody waits for it to come back.
func TestServerThatIsDownAtTheEnd(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 503)
	s := NewSender(&Config{Transports: []Transport{a.transport()}}, w.box, Past{Run: w.run}, w.clock, func(ctx context.Context, _ time.Duration) error {
		<-ctx.Done()
		return ctx.Err()
	})
	w.begin("r1")
	w.end(s, "r1")
	s.Close(context.Background())
	if a.asked != 1 || !slices.Equal(w.waiting(), []string{"r1"}) || s.Deliveries()[0].Left != 1 {
		t.Error(a.asked, w.waiting(), s.Deliveries())
	}
}

// While it runs, a long command finds out that a server is back, and tells what it had left.
func TestServerThatComesBack(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 503, 503, 503, 503, 503, 503, 503, 200)
	next := make(chan struct{}, 10)
	s := w.sender(a.transport(), &between{&writer{"next", io.Discard}, func() { next <- struct{}{} }})
	s.Began(w.begin("r1"))
	w.end(s, "r1")
	<-next // of the beginning
	<-next // of the end: the other is left alone now
	w.pass(firstRest)
	s.Began(w.begin("r2"))
	w.end(s, "r2")
	s.Flush(context.Background())
	slices.Sort(a.took)
	if diff := cmp.Diff([]string{"COMPLETE r1", "COMPLETE r2", "START r1", "START r2"}, a.took); diff != "" {
		t.Error(diff)
	}
}

// drain waits until what was asked so far is done: until it is asked of a run that still runs.
func (w *world) drain(s *Sender) {
	w.t.Helper()
	w.mu.Lock()
	drained := make(chan struct{})
	w.drained = drained
	w.mu.Unlock()
	if err := w.box.Put(&Intent{Run: "drain"}); err != nil {
		w.t.Fatal(err)
	}
	s.Ended("drain")
	<-drained
	if err := w.box.Remove(&Intent{Run: "drain"}, nil); err != nil {
		w.t.Fatal(err)
	}
}

// Of a server that has not answered it is said so, and how many runs there are that it was not told of,
// whichever was tried.
func TestWhatIsSaidOfOneThatHangs(t *testing.T) {
	w, h := newWorld(t), &hanging{make(chan struct{}, 10)}
	for _, id := range []string{"r1", "r2", "r3"} {
		w.begin(id)
		w.set(id, pipeline.Published)
	}
	s := w.sender(h)
	<-h.reached
	s.Close(over())
	if d := s.Deliveries()[0]; d.Left != 3 || d.Error != "no answer within 2s" || len(h.reached) != 0 {
		t.Errorf("%+v", d)
	}
}

// A server that hangs keeps nobody waiting at the end.
func TestServerThatHangs(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 0)
	s := w.sender(a.transport())
	s.Began(w.begin("r1"))
	w.end(s, "r1")
	s.Close(over())
	if !slices.Equal(w.waiting(), []string{"r1"}) {
		t.Error(w.waiting())
	}
	// Its answer is awaited no longer than the timeout.
	hung := newServer("http", a.URL, time.Millisecond, true)
	if err := hung.Send(t.Context(), [][]byte{{}}); err == nil || err.Error() != "no answer within 1ms" {
		t.Error(err)
	}
}

// What a server refuses is not sent again, but kept with the reason; it keeps nothing else back.
func TestServerThatRefuses(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 200, 422, 200)
	s := w.sender(a.transport())
	w.begin("r1")
	w.end(s, "r1")
	w.drain(s)
	w.begin("r2")
	w.end(s, "r2")
	s.Flush(context.Background())
	refused, err := w.box.Refused()
	if err != nil || len(refused) != 1 || len(w.waiting()) > 0 || len(w.naps) > 0 {
		t.Fatal(refused, err, w.waiting(), w.naps)
	}
	r := refused[0]
	var e Event
	if err := json.Unmarshal(r.Event, &e); err != nil || r.Run != "r1" || r.Status != 422 || r.Reason != "no such thing as https://h/x" || e.EventType != Complete {
		t.Errorf("%+v %v", r, err)
	}
	if len(w.said) != 1 || !strings.Contains(w.said[0], "http refused what it was told of run r1 (HTTP status 422: no such thing as https://h/x)") {
		t.Error(w.said)
	}
	if err := w.box.Again(&r); err != nil {
		t.Fatal(err)
	}
	w.sender(a.transport()).Flush(context.Background())
	if again, err := w.box.Refused(); len(again) > 0 || err != nil || !slices.Equal(a.took[len(a.took)-2:], []string{"START r1", "COMPLETE r1"}) {
		t.Error(again, err, a.took)
	}
}

// A redirection is not followed: the key would go where nobody meant it to.
func TestServerThatRedirects(t *testing.T) {
	_, a := newWorld(t), newServerThat(t, 307)
	err := a.transport().Send(t.Context(), [][]byte{{}})
	var refused *Refused
	if !errors.As(err, &refused) || err.Error() != "HTTP status 307: it redirects to https://elsewhere/x, which is not followed" || a.asked != 1 {
		t.Error(err, a.asked)
	}
}

// Whoever finds a run of a process that died tells its end; what still runs is left alone, and what
// never was on record is told to have failed.
func TestWhatTheDeadLeft(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 200)
	w.begin("died")
	w.set("died", pipeline.Failed)
	w.begin("lives")
	w.set("lives", pipeline.Running)
	w.begin("never")
	delete(w.recs, "never")
	if err := os.WriteFile(filepath.Join(w.box.Dir, "torn.json"), []byte(`{"run": "to`), 0o644); err != nil {
		t.Fatal(err)
	}
	w.sender(a.transport()).Flush(context.Background())
	want := []string{"START died", "FAIL died", "START never", "FAIL never"}
	if diff := cmp.Diff(want, a.took); diff != "" || !slices.Equal(w.waiting(), []string{"lives"}) {
		t.Error(diff, w.waiting())
	}
}

// A process that dies between sending and noting sends twice, and loses nothing.
func TestDeathBetweenSendingAndNoting(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 200)
	w.begin("r1")
	w.set("r1", pipeline.Published)
	texts := encode((&Story{Intent: must(w.box.Intent("r1")), Record: w.recs["r1"]}).End())
	if err := a.transport().Send(t.Context(), texts); err != nil {
		t.Fatal(err)
	}
	w.sender(a.transport()).Flush(context.Background())
	if diff := cmp.Diff([]string{"COMPLETE r1", "START r1", "COMPLETE r1"}, a.took); diff != "" || len(w.waiting()) > 0 {
		t.Error(diff, w.waiting())
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What has begun and ended while the sender was busy with others is told in its order, and once.
func TestBeginningThatIsLate(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 503)
	log := filepath.Join(t.TempDir(), "events.jsonl")
	story := w.begin("r1")
	w.set("r1", pipeline.Published) // the sweep finds it so
	s := w.sender(&logFile{"file", log}, a.transport())
	s.Began(story)
	s.Ended("r1")
	s.Flush(context.Background())
	if got := typesIn(t, log); !slices.Equal(got, []string{"START", "COMPLETE"}) {
		t.Error(got)
	}
}

// What another process runs is not left by this one, nor what another has told meanwhile; and what
// this one began is not begun again for that.
func TestWhatOthersDo(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 200, 503, 503, 503, 503, 503, 503, 200)
	s, ctx := newSender(&Config{Transports: []Transport{a.transport()}}, w.box, Past{Run: w.run}, w.clock, w.sleep)
	s.take(ctx, message{run: "r1", in: w.begin("r1").Intent, events: []Event{{EventType: Start, Run: Run{Facets: RunFacets{Tags: &Tags{Tags: []Tag{{Value: "r1"}}}}}}}, begins: true})
	s.take(ctx, message{sweep: true}) // r1 runs
	w.set("r1", pipeline.Published)
	s.take(ctx, message{run: "r1"}) // the server is down, and left alone
	w.begin("elsewhere")
	s.take(ctx, message{sweep: true})
	s.take(ctx, message{run: "told by others"})
	if left := len(s.lines[0].left); left != 3 {
		t.Errorf("%d are left while it is left alone", left)
	}
	w.pass(firstRest)
	w.begin("r2")
	w.set("r2", pipeline.Published)
	s.take(ctx, message{run: "r2"})
	if left := s.lines[0].left; len(left) != 0 || s.behind() {
		t.Error(left)
	}
	if diff := cmp.Diff([]string{"START r1", "START r2", "COMPLETE r2", "COMPLETE r1"}, a.took); diff != "" {
		t.Error(diff)
	}
	close(s.done) // nobody works
	s.Close(context.Background())
}

// Jobs that the config leaves out are not told of.
func TestFilters(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 200)
	c := readConfig(t, `{"transport": {"type": "http", "url": "`+a.URL+`"}, "filters": [{"type": "exact", "match": "p"}, {"type": "regex", "regex": "q.*s$"}]}`)
	events := func(jobs ...string) (all []Event) {
		for _, job := range jobs {
			all = append(all, Event{Job: Job{Name: job}})
		}
		return all
	}
	if left := kept(events("p", "pp", "qrs", "aqrs", "q"), c.filters); len(left) != 3 || left[0].Job.Name != "pp" || left[1].Job.Name != "aqrs" {
		t.Errorf("%+v", left)
	}
	s := NewSender(c, w.box, Past{Run: w.run}, w.clock, w.sleep)
	s.Began(w.begin("r1"))
	w.end(s, "r1")
	s.Flush(context.Background())
	if a.asked > 0 || len(w.waiting()) > 0 {
		t.Error(a.asked, w.waiting())
	}
}

// More runs than the queue takes are told of at the end.
func TestMoreThanTheQueueTakes(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 200)
	w.box = &Outbox{FS: faults.NewMem(), Dir: "/outbox"}
	gate := make(chan struct{})
	s := w.sender(&gated{a.transport(), gate})
	for i := range queueLength + 50 {
		id := fmt.Sprintf("r%04d", i)
		w.begin(id)
		w.end(s, id)
	}
	close(gate)
	s.Flush(context.Background())
	if len(w.waiting()) > 0 || s.Deliveries()[0].Sent != queueLength+50 {
		t.Error(len(w.waiting()), s.Deliveries())
	}
}

// gated waits with the first of all until it may go on.
type gated struct {
	Transport
	gate chan struct{}
}

func (g *gated) Send(ctx context.Context, events [][]byte) error {
	<-g.gate
	return g.Transport.Send(ctx, events)
}

// A run that is approved of while its end is told is told of once more.
func TestApprovedWhileItIsTold(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 200)
	w.begin("r1")
	w.set("r1", pipeline.Blocked)
	s := w.sender(&between{a.transport(), func() {
		in := must(w.box.Intent("r1"))
		if in.Approvals == 0 {
			w.set("r1", pipeline.Published)
			w.recs["r1"].Approvals = []pipeline.Approval{{At: began}}
			if err := w.box.PutAgain(PastIntent("n", w.recs["r1"], in)); err != nil {
				t.Error(err)
			}
		}
	}})
	w.drain(s)
	s.Ended("r1")
	s.Flush(context.Background())
	if diff := cmp.Diff([]string{"START r1", "FAIL r1", "START r1", "COMPLETE r1"}, a.took); diff != "" || len(w.waiting()) > 0 {
		t.Error(diff, w.waiting())
	}
}

// between does something after it has sent.
type between struct {
	Transport
	then func()
}

func (b *between) Send(ctx context.Context, events [][]byte) error {
	defer b.then()
	return b.Transport.Send(ctx, events)
}

// An outbox that can't be written fails nobody; what was sent is sent again.
func TestOutboxOnABadDisk(t *testing.T) {
	w, a := newWorld(t), newServerThat(t, 200)
	w.begin("r1")
	w.set("r1", pipeline.Published)
	inner := w.box.FS
	for _, op := range []string{"create", "remove", "read", "readdir"} {
		hit := false
		w.box.FS = faults.Failing{FS: inner, Fault: func(what, _ string) error {
			if what == op {
				hit = true
				return errors.New("the disk is bad")
			}
			return nil
		}}
		w.said = nil
		w.sender(a.transport()).Flush(context.Background())
		if !hit || len(w.said) == 0 || !strings.Contains(w.said[0], "the disk is bad") {
			t.Errorf("%s: hit %v, said %q", op, hit, w.said)
		}
	}
	w.box.FS = inner
	w.sender(a.transport()).Flush(context.Background())
	if len(w.waiting()) > 0 || !slices.Contains(a.took, "COMPLETE r1") {
		t.Error(w.waiting(), a.took)
	}
}
