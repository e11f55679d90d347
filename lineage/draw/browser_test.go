package draw

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var shots = flag.String("shots", "", "a directory where the browser test leaves what it sees")

// browser is a page in a browser, with all it complained of and asked for.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	trouble  []string
	requests []string
}

// browse opens a file; without a browser the test is skipped.
func browse(t *testing.T, file string) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no chromium in PATH: the page is not looked at")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1280, 800))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	b := &browser{t: t}
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(b.hear))
	t.Cleanup(stop)
	b.ctx, stop = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(stop)
	command(b, network.Enable, network.EnableParams{})
	command(b, log.Enable, cdp.Empty{})
	b.do(chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String()))
	return b
}

func command[P, R any](b *browser, c cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *log.EventEntryAdded:
		b.trouble = append(b.trouble, e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		b.trouble = append(b.trouble, fmt.Sprint("console.", e.Type))
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, fmt.Sprint(e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// value is that of an expression in the page.
func (b *browser) value(expr string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expr+")"))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// click clicks in the middle of an element, as a hand would.
func (b *browser) click(selector string) {
	b.t.Helper()
	var x, y float64
	at := b.value(`(r => (r.x + r.width / 2) + " " + (r.y + r.height / 2))(document.querySelector(` + fmt.Sprintf("%q", selector) + `).getBoundingClientRect())`)
	if _, err := fmt.Sscan(at, &x, &y); err != nil {
		b.t.Fatal(selector, at, err)
	}
	b.do(chromedp.MouseClickXY(x, y))
}

// shot keeps a picture of the page, if somebody wants to see it.
func (b *browser) shot(name string) {
	b.t.Helper()
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// quiet is an error if the page complained, or asked for anything but itself.
func (b *browser) quiet(file string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.trouble {
		b.t.Errorf("the browser says: %s", text)
	}
	for _, u := range b.requests {
		if u != (&url.URL{Scheme: "file", Path: file}).String() && u != "data:," {
			b.t.Errorf("the page asked for %s", u)
		}
	}
	if len(b.requests) == 0 {
		b.t.Error("the browser asked for nothing: this test hears nothing")
	}
}

func written(t *testing.T, p *Picture, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := HTML
	if strings.HasSuffix(name, ".svg") {
		write = SVG
	}
	if err := write(f, p); err != nil {
		t.Fatal(err)
	}
	return file
}

// A page can be moved, zoomed, searched and clicked in a browser, which has nothing to complain of,
// whatever names there are.
func TestPageInBrowser(t *testing.T) {
	file := written(t, sample(), "page.html")
	b := browse(t, file)
	transform := `document.getElementById("world").getAttribute("transform")`
	before := b.value(transform)
	if !strings.HasPrefix(before, "translate(") {
		t.Fatalf("the picture is nowhere: %q", before)
	}
	if got := b.value(`document.querySelectorAll("#world .node").length`); got != "11" {
		t.Errorf("%s nodes are drawn", got)
	}
	b.shot("page")

	b.do(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, 640, 500, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 600, 480, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 540, 450, chromedp.ButtonLeft),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, 540, 450, chromedp.ButtonLeft),
	)
	moved := b.value(transform)
	if moved == before {
		t.Errorf("it does not move: %s", moved)
	}
	command(b, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseWheel, X: 640, Y: 400, DeltaX: 0.01, DeltaY: -300})
	if zoomed := b.value(`document.getElementById("world").getAttribute("transform").match(/scale\((.*)\)/)[1] > ` + scaleOf(moved)); zoomed != "true" {
		t.Errorf("it does not zoom: %s, then %s", moved, b.value(transform))
	}
	b.click("#fit")
	b.click(`#world .node[data-node="5"]`)
	aside := b.value(`document.querySelector("aside").hidden ? "" : document.querySelector("aside").innerText`)
	for _, want := range []string{"warehouse/airports@2001-03 v2", "2026-01-02 03:04:05 by tester", "MADE OF (2)", "warehouse/clean@2001-03 v2", "MADE FROM IT (1)"} {
		if !strings.Contains(aside, want) {
			t.Errorf("a click does not tell %q: %s", want, aside)
		}
	}
	b.shot("clicked")
	b.do(chromedp.SendKeys(chromedp.CSS("#search"), "clean@2001-03"))
	if got := b.value(`document.getElementById("count").textContent`); got != "2 found" {
		t.Errorf("a search finds %q", got)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#search"), "\r"))
	if got := b.value(`document.querySelector("aside h2").textContent`); got != "warehouse/clean@2001-03 v1" {
		t.Errorf("Enter goes to %q", got)
	}
	b.click("#fit")
	b.click(`#world .node[data-node="10"]`)
	if got := b.value(`document.querySelector("aside h2").textContent`); got != hostile {
		t.Errorf("a name is shown as %q", got)
	}
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	b.shot("dark")
	b.quiet(file)
}

func scaleOf(transform string) string {
	_, after, _ := strings.Cut(transform, "scale(")
	return strings.TrimSuffix(after, ")")
}

// A picture alone is a document that a browser shows, with nothing to complain of.
func TestSVGInBrowser(t *testing.T) {
	for name, p := range map[string]*Picture{"sample": sample(), "grid": grid(6, 30)} {
		file := written(t, p, name+".svg")
		b := browse(t, file)
		if got := b.value(`document.documentElement.tagName + document.querySelectorAll(".node").length`); got != fmt.Sprint("svg", len(p.Nodes)) {
			t.Errorf("%s: the document is %s", name, got)
		}
		b.shot(name)
		b.quiet(file)
	}
}
