package penstock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/penstock-data/penstock/gates"
	"github.com/penstock-data/penstock/operators/csv"
	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
	"github.com/penstock-data/penstock/reconcile/night"
)

// breaksSchema is that of ledgers of breaks that are made by hand.
var breaksSchema = arrow.NewSchema([]arrow.Field{
	{Name: "break", Type: arrow.BinaryTypes.String},
	{Name: "key", Type: arrow.BinaryTypes.String},
	{Name: "nth", Type: arrow.PrimitiveTypes.Int32},
	{Name: "column", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "cause", Type: arrow.BinaryTypes.String},
	{Name: "outcome", Type: arrow.BinaryTypes.String},
	{Name: "state", Type: arrow.BinaryTypes.String},
	{Name: "since", Type: arrow.BinaryTypes.String},
	{Name: "cleared", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "age_days", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "delta", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}, Nullable: true},
}, nil)

// nights is a pipeline that reconciles, with a ledger that is made by hand: breaks of nights before are
// in state open, that of the night is new. most is how many breaks its gate lets through.
func nights(t *testing.T, most int) *pipeline.Pipeline {
	t.Helper()
	g := gates.Of(gates.Rule{Name: "few", Check: gates.Expect(fmt.Sprintf("rows() <= %d", most))})
	return &pipeline.Pipeline{
		Name: "night", Partitions: pipeline.Scheme{By: pipeline.Day},
		Sources: []pipeline.NamedSource{
			{Name: "ledger", Source: csv.Files("in/ledger.csv")},
			{Name: "bank", Source: csv.Files("in/bank.csv")},
			{Name: "made", Source: csv.Source{Set: csv.Files("in/breaks-{partition}.csv").Set, Schema: breaksSchema}},
		},
		Stages: []pipeline.Stage{
			{Name: "compare", From: []string{"ledger", "bank"}, Operators: []pipeline.Operator{reconcile.Sides(reconcile.Options{
				Names: [2]string{"ledger", "bank"}, Keys: []reconcile.Key{{Left: "id", Right: "id"}}, Columns: []reconcile.Column{{Left: "amount", Right: "amount"}},
			})}},
			{Name: "breaks", From: []string{"made"}, Output: &pipeline.Output{Path: "warehouse/breaks", Format: parquet.Format{}, Always: true}},
			{Name: "close", From: []string{"breaks"}, Gates: g},
		},
		Night: &pipeline.Night{Compare: "compare", Ledger: "breaks", Reports: map[string]string{
			"text": "reports/{partition}.txt", "html": "reports/{partition}/night.html", "json": "reports/{partition}.json", "csv": "reports/{partition}.csv", "xlsx": "reports/{partition}.xlsx",
		}},
	}
}

// nightDir is a directory with the files of three nights; on the third a break is new.
func nightDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, "in", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("ledger.csv", "id,amount\n1,5\n2,7\n3,9\n")
	put("bank.csv", "id,amount\n1,5\n2,8\n4,1\n")
	head := "break,key,nth,column,cause,outcome,state,opened,nights,since,cleared,age_days,delta\n"
	old := "a1,2,1,amount,value,different,open,2026-10-01,31,2026-10-01,,31,-1.00\n"
	put("breaks-2026-11-01.csv", head+"a1,2,1,amount,value,different,new,2026-11-01,1,2026-11-01,,0,-1.00\n")
	put("breaks-2026-11-02.csv", head+old)
	put("breaks-2026-11-03.csv", head+old+"a2,3,1,,missing,only_left,new,2026-11-03,1,2026-11-03,,0,9.00\na3,4,1,,missing,only_right,cleared,2026-11-01,1,2026-11-01,2026-11-02,,1.00\n")
	return dir
}

// openNight is a project that gathers what nights tell, and does not wait.
func openNight(t *testing.T, dir string) (*Project, func() NightTold) {
	t.Helper()
	var told []NightTold
	p, err := Open(t.Context(), dir, Options{Actor: "tester", Workers: 2, NightTold: func(n NightTold) { told = append(told, n) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return p, func() NightTold {
		if len(told) == 0 {
			t.Fatal("nothing was told")
		}
		return told[len(told)-1]
	}
}

// runNight runs a night that has to end so.
func runNight(t *testing.T, p *Project, pl *pipeline.Pipeline, partition string, want pipeline.Status) *pipeline.RunRecord {
	t.Helper()
	rec, err := p.Run(t.Context(), pl, partition)
	if rec.Status != want || err != nil && want != pipeline.Failed {
		t.Fatalf("%s: %s, %v", partition, rec.Status, err)
	}
	return rec
}

func readJSON(t *testing.T, path string) *night.Night {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := &night.Night{}
	if err := json.Unmarshal(text, n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Three nights: reports are written of each, with the trend of those before, and say who must look.
func TestNightReports(t *testing.T) {
	dir := nightDir(t)
	p, told := openNight(t, dir)
	pl := nights(t, 2)
	runNight(t, p, pl, "2026-11-01", pipeline.Published)
	runNight(t, p, pl, "2026-11-02", pipeline.Published)
	if n := told(); n.Night == nil || n.Night.Attention || len(n.Problems) > 0 || len(n.Reports) != 5 {
		t.Fatalf("a night without news: %+v, %v, %v", n.Night, n.Problems, n.Reports)
	}
	rec := runNight(t, p, pl, "2026-11-03", pipeline.Blocked)
	n := readJSON(t, filepath.Join(dir, "reports/2026-11-03.json"))
	if !n.Attention || n.Run != rec.Run || n.Status != pipeline.Blocked || n.Rests != "" || n.Counts.New != 1 || n.Counts.Open != 1 || n.Counts.Cleared != 0 {
		t.Errorf("the night is %+v, counts %+v", n, n.Counts)
	}
	if n.Sides == nil || n.Sides.Balance != night.Balanced || n.Sides.Left.All.Rows != 3 || n.Sides.Left.Matched.Rows != 1 {
		t.Errorf("the sides are %+v", n.Sides)
	}
	if len(n.Trend) != 3 || *n.Trend[0].New != 1 || *n.Trend[1].Open != 1 || *n.Trend[2].Open != 2 || n.Aged.Total != 1 {
		t.Errorf("the trend is %+v, %d aged", n.Trend, n.Aged.Total)
	}
	for _, name := range []string{"2026-11-03.txt", "2026-11-03/night.html", "2026-11-03.csv", "2026-11-03.xlsx"} {
		if info, err := os.Stat(filepath.Join(dir, "reports", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The same night at a later time, by name alone, is the same but for the run that it is told of.
	part, err := p.NightPartition("warehouse/breaks", "")
	if err != nil || part.String() != "2026-11-03" {
		t.Fatalf("the newest night is %s, %v", part, err)
	}
	err = p.Night(t.Context(), NightOptions{Dataset: "warehouse/breaks", Partition: part}, func(again *night.Night) error {
		was, _ := json.Marshal(n)
		now, _ := json.Marshal(again)
		if string(was) != string(now) {
			t.Errorf("it was\n%s\nand is\n%s", was, now)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if all, err := p.Ledgers(t.Context()); err != nil || len(all) != 1 || all[0] != "warehouse/breaks" {
		t.Errorf("ledgers are %v, %v", all, err)
	}
}

// A ledger that is held is told of as held, and a run that failed as failed.
func TestNightOfWhatIsNotPublished(t *testing.T) {
	dir := nightDir(t)
	p, told := openNight(t, dir)
	pl := nights(t, 0)
	pl.Stages[1].Output.Always = false
	runNight(t, p, pl, "2026-11-01", pipeline.Blocked)
	if n := told().Night; n == nil || !strings.Contains(n.Rests, "holds") || n.Counts == nil || n.Counts.New != 1 {
		t.Errorf("held: %+v", n)
	}
	if err := os.Remove(filepath.Join(dir, "in/bank.csv")); err != nil {
		t.Fatal(err)
	}
	rec := runNight(t, p, pl, "2026-11-02", pipeline.Failed)
	n := told().Night
	if n == nil || !n.Attention || n.Counts != nil || n.Sides != nil || n.Error != rec.Error || !strings.Contains(strings.Join(n.Why, " "), "failed") {
		t.Errorf("failed: %+v", n)
	}
	text, err := os.ReadFile(filepath.Join(dir, "reports/2026-11-02.txt"))
	if err != nil || !strings.Contains(string(text), "failed") {
		t.Errorf("the text is %s, %v", text, err)
	}
}

// What can't be written, or is elsewhere, is told, and the verdict stays.
func TestNightReportsStayInside(t *testing.T) {
	dir, outside := nightDir(t), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "reports")); err != nil {
		t.Skip(err)
	}
	p, told := openNight(t, dir)
	pl := nights(t, 2)
	pl.Night.Reports["text"] = "in/ledger.csv/x.txt" // a file, not a directory
	runNight(t, p, pl, "2026-11-01", pipeline.Published)
	if n := told(); len(n.Problems) != 5 || len(n.Reports) > 0 {
		t.Errorf("written %v, problems %v", n.Reports, n.Problems)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside is %v, %v", left, err)
	}
}

// hook is a command that keeps its input, and what it was told beside.
func hook(t *testing.T, dir, text string) []string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the hook is a shell script")
	}
	path := filepath.Join(dir, "hook.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{"./hook.sh", "an argument"}
}

func TestNightCommand(t *testing.T) {
	for _, c := range []struct {
		name, script, want string
		timeout            time.Duration
	}{
		{"well", `cat > got.json; echo "$1 $PENSTOCK_NIGHT_STATUS $PENSTOCK_NIGHT_PARTITION $PENSTOCK_NIGHT_ATTENTION $PENSTOCK_NIGHT_NEW $PENSTOCK_NIGHT_DELTA" > got.env`, "", 0},
		{"deaf", "exit 0", "", 0}, // it reads nothing
		{"bad", "echo password=hunter2 no such channel >&2; exit 3", "ended with exit status 3: password=… no such channel", 0},
		{"hung", "sleep 100 & wait", "did not end within 300ms, and was killed", 300 * time.Millisecond},
		{"leaves", "sleep 100 & echo $! > got.pid", "ended, but not what it had started, which was killed after 2s", 0},
		{"loud", "i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done; exit 1", "exit status 1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := nightDir(t)
			p, told := openNight(t, dir)
			pl := nights(t, 2)
			pl.Night.Reports = nil
			pl.Night.Notify = &pipeline.Notify{When: pipeline.WhenNew, Command: hook(t, dir, c.script), Timeout: c.timeout}
			runNight(t, p, pl, "2026-11-01", pipeline.Published)
			var problems []string
			for _, err := range told().Problems {
				problems = append(problems, err.Error())
			}
			all := strings.Join(problems, "\n")
			if (c.want == "") != (all == "") || !strings.Contains(all, c.want) || len(all) > maxHeard+200 {
				t.Errorf("problems: %s", all)
			}
			if c.name == "leaves" {
				text, _ := os.ReadFile(filepath.Join(dir, "got.pid"))
				pid := strings.TrimSpace(string(text))
				for range 100 { // who adopts it may take a moment
					stat, err := os.ReadFile("/proc/" + pid + "/stat")
					if pid != "" && (err != nil || strings.Contains(string(stat), ") Z ")) {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
				t.Errorf("process %q is still there", pid)
			}
			if c.name == "well" {
				if n := readJSON(t, filepath.Join(dir, "got.json")); n.Counts.New != 1 || n.Version != night.Version {
					t.Errorf("it was given %+v", n)
				}
				if env, _ := os.ReadFile(filepath.Join(dir, "got.env")); string(env) != "an argument published 2026-11-01 false 1 1.00\n" {
					t.Errorf("it was told %s", env)
				}
			}
		})
	}
}

// Who is told of a night goes by whether a person must look, unless they asked for more.
func TestNightWhen(t *testing.T) {
	for when, want := range map[pipeline.When]string{
		"": "2026-11-03", pipeline.WhenAttention: "2026-11-03", pipeline.WhenNew: "2026-11-01 2026-11-03", pipeline.WhenAlways: "2026-11-01 2026-11-02 2026-11-03",
	} {
		dir := nightDir(t)
		p, told := openNight(t, dir)
		pl := nights(t, 2)
		pl.Night.Notify = &pipeline.Notify{Command: hook(t, dir, `echo "$PENSTOCK_NIGHT_PARTITION" >> got`), When: when}
		runNight(t, p, pl, "2026-11-01", pipeline.Published) // its break is new
		runNight(t, p, pl, "2026-11-02", pipeline.Published) // and known
		runNight(t, p, pl, "2026-11-03", pipeline.Blocked)
		got, err := os.ReadFile(filepath.Join(dir, "got"))
		if text := strings.Join(strings.Fields(string(got)), " "); err != nil || text != want || len(told().Problems) > 0 {
			t.Errorf("when %q: told of %s, %s expected (%v, %v)", when, text, want, err, told().Problems)
		}
	}
	p, told := openNight(t, nightDir(t))
	pl := nights(t, 2)
	pl.Night.Notify = &pipeline.Notify{When: pipeline.WhenNew, Command: []string{"./no-such-hook"}}
	runNight(t, p, pl, "2026-11-01", pipeline.Published)
	if len(told().Problems) != 1 {
		t.Errorf("a command that is not there: %v", told().Problems)
	}
}

// A report that can't go where it should is said with the way out.
func TestReportAtADirectory(t *testing.T) {
	dir := nightDir(t)
	p, told := openNight(t, dir)
	pl := nights(t, 2)
	pl.Night.Reports = map[string]string{"text": "taken"}
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	runNight(t, p, pl, "2026-11-01", pipeline.Published)
	if got := fmt.Sprint(told().Problems); !strings.Contains(got, "the text report taken can't be written: there is a directory of this name") {
		t.Errorf("problems: %s", got)
	}
}

func TestNightWebhook(t *testing.T) {
	const secret = "T0K3N"
	var tries atomic.Int32
	var body, key string
	answer := func(statuses ...int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			body, key = string(text), r.Header.Get("Idempotency-Key")
			status := statuses[min(int(tries.Add(1)), len(statuses))-1]
			if status >= 300 && status < 400 {
				w.Header().Set("Location", "http://elsewhere.invalid/"+secret)
			}
			w.WriteHeader(status)
			fmt.Fprint(w, strings.Repeat("no ", 10000))
		}
	}
	for _, c := range []struct {
		name  string
		serve http.HandlerFunc
		tries int32
		want  string
	}{
		{"well", answer(204), 1, ""},
		{"trouble", answer(500, 503, 200), 3, ""},
		{"down", answer(500), 3, "HTTP status 500"},
		{"refused", answer(403), 1, "HTTP status 403"},
		{"redirect", answer(307), 1, "a redirect, which is not followed"},
		{"hung", func(_ http.ResponseWriter, r *http.Request) {
			tries.Add(1)
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		}, 3, "no answer within 200ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tries.Store(0)
			s := httptest.NewServer(c.serve)
			defer s.Close()
			p, told := openNight(t, nightDir(t))
			p.dial = func(ctx context.Context, network, _ string) (net.Conn, error) { // whatever the name, it is this server
				return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
			}
			pl := nights(t, 2)
			pl.Night.Reports = nil
			pl.Night.Notify = &pipeline.Notify{When: pipeline.WhenNew, Webhook: "http://user:" + secret + "@hooks.invalid/services/" + secret + "?key=" + secret, Timeout: 200 * time.Millisecond}
			rec := runNight(t, p, pl, "2026-11-01", pipeline.Published)
			all := fmt.Sprint(told().Problems)
			if (c.want == "") != (len(told().Problems) == 0) || !strings.Contains(all, c.want) {
				t.Errorf("problems: %s", all)
			}
			if strings.Contains(all, secret) || strings.Contains(fmt.Sprintf("%v %+v %#v", pl.Night.Notify, pl.Night.Notify, pl.Night.Notify.Webhook), secret) {
				t.Errorf("the secret is told: %s", all)
			}
			if len(all) > 3000 {
				t.Errorf("the answer is told whole: %d bytes", len(all))
			}
			if got := tries.Load(); got != c.tries {
				t.Errorf("%d tries, %d expected", got, c.tries)
			}
			if c.name == "well" {
				n := &night.Night{}
				if err := json.Unmarshal([]byte(body), n); err != nil || n.Run != rec.Run || key != rec.Run || n.Partition != "2026-11-01" {
					t.Errorf("it was told %s (%s), %v", body, key, err)
				}
			}
		})
	}
}

// What a hook says is shown on one line, without what a terminal or a log would obey, and without
// the parts of an address that may be a secret, which many servers repeat.
func TestNightWhatAHookSays(t *testing.T) {
	const secret = "T0K3NT0K3N"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, "Cannot POST %s\n::error::\x1b[31mnobody\r\u009b here; %s of %s", r.URL, r.URL.Query().Get("key"), r.Header.Get("Authorization"))
	}))
	defer s.Close()
	p, told := openNight(t, nightDir(t))
	p.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
	}
	pl := nights(t, 2)
	pl.Night.Reports = nil
	pl.Night.Notify = &pipeline.Notify{
		When:    pipeline.WhenAlways,
		Command: []string{"sh", "-c", `printf 'no\n::error::\033[31mway\n' >&2; exit 3`},
		Webhook: "http://hooks.invalid/services/" + secret + "?key=x" + secret,
	}
	runNight(t, p, pl, "2026-11-01", pipeline.Published)
	all := fmt.Sprint(told().Problems)
	for _, want := range []string{"exit status 3: no ::error:: [31mway", "HTTP status 404: Cannot POST "} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not said: %s", want, all)
		}
	}
	if strings.ContainsFunc(all, unicode.IsControl) || strings.Contains(all, secret) {
		t.Errorf("it is said: %q", all)
	}
}

// A report is written as its rows come; one that can't be read to its end leaves that before alone.
func TestNightReportHalfWritten(t *testing.T) {
	dir := nightDir(t)
	p, _ := openNight(t, dir)
	const rows = 100_000
	n := &night.Night{Partition: "2026-11-01"}
	for name, end := range map[string]func() error{
		"all there":   func() error { return nil },
		"it is torn":  func() error { return errors.New("it is torn") },
		"it panicked": func() error { panic("it panicked") },
	} {
		n.All = func(yield func(*night.Break, error) bool) {
			for range rows {
				if !yield(&night.Break{ID: "0123456789abcdef", Key: strings.Repeat("x", 900)}, nil) {
					return
				}
			}
			if err := end(); err != nil {
				yield(nil, err)
			}
		}
		to := filepath.Join(dir, "reports", "a.csv")
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte("before"), 0o644); err != nil {
			t.Fatal(err)
		}
		var was, now runtime.MemStats
		runtime.ReadMemStats(&was)
		err := p.writeReport("csv", "reports/a.csv", n)
		runtime.ReadMemStats(&now)
		if now.HeapSys > was.HeapSys+32<<20 {
			t.Errorf("%s: a report of 90 MB takes %d MB more", name, (now.HeapSys-was.HeapSys)>>20)
		}
		info, serr := os.Stat(to)
		if serr != nil {
			t.Fatal(serr)
		}
		switch all := name == "all there"; {
		case all && (err != nil || info.Size() < rows*900):
			t.Errorf("%d bytes, %v", info.Size(), err)
		case !all && (err == nil || !strings.Contains(err.Error(), name) || info.Size() != int64(len("before"))):
			t.Errorf("%s: %d bytes, %v", name, info.Size(), err)
		}
		if left, err := os.ReadDir(filepath.Dir(to)); err != nil || len(left) != 1 {
			t.Errorf("%s: %v, %v", name, left, err)
		}
	}
}

// A night that can't be made is told, as one that nothing is known of.
func TestNightThatCantBeMade(t *testing.T) {
	dir := nightDir(t)
	p, told := openNight(t, dir)
	pl := nights(t, 2)
	pl.Stages[1].Output.Path = "warehouse/other"
	pl.Night.Ledger, pl.Night.Compare = "other", ""
	pl.Night.Notify = &pipeline.Notify{Command: hook(t, dir, "cat > got.json")}
	// The stage that is named is no ledger of breaks.
	pl.Stages = append(pl.Stages, pipeline.Stage{Name: "other", From: []string{"ledger"}, Output: &pipeline.Output{Path: "warehouse/else", Format: parquet.Format{}}})
	runNight(t, p, pl, "2026-11-01", pipeline.Published)
	if got := fmt.Sprint(told().Problems); !strings.Contains(got, "is no ledger of breaks") {
		t.Errorf("problems: %s", got)
	}
	if n := readJSON(t, filepath.Join(dir, "got.json")); !n.Attention || n.Counts != nil {
		t.Errorf("it was told %+v", n)
	}
}

// Backfills tell of each night.
func TestNightsOfABackfill(t *testing.T) {
	dir := nightDir(t)
	p, told := openNight(t, dir)
	pl := nights(t, 2)
	parts, err := pl.Partitions.Range("2026-11-01", "2026-11-02")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Backfill(t.Context(), pl, parts, BackfillOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := told(); n.Partition != "2026-11-02" || len(n.Problems) > 0 {
		t.Errorf("told was %+v", n)
	}
	if n := readJSON(t, filepath.Join(dir, "reports/2026-11-02.json")); len(n.Trend) != 2 {
		t.Errorf("the trend is %+v", n.Trend)
	}
}
