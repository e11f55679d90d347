package draw

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

var rewrite = flag.Bool("rewrite", false, "writes the files of testdata again")

func text(t *testing.T, write func(io.Writer, *Picture) error, p *Picture) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every format is what testdata has of it, and the same each time.
func TestFormats(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *Picture) error{"sample.dot": DOT, "sample.mermaid": Mermaid, "sample.svg": SVG} {
		got := text(t, write, sample())
		file := filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for range 5 {
			if text(t, write, sample()) != got {
				t.Errorf("%s comes out otherwise", name)
			}
		}
	}
}

// Every format ends with a line feed, however little there is to draw.
func TestFormatsEndTheirLine(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *Picture) error{"dot": DOT, "mermaid": Mermaid, "svg": SVG, "html": HTML} {
		for _, p := range []*Picture{{}, {Title: "x"}, {Title: "x", Nodes: []Node{{Kind: File, Label: "a"}}}, sample()} {
			if got := text(t, write, p); !strings.HasSuffix(got, "\n") || strings.HasSuffix(got, "\n\n") {
				t.Errorf("%s of %d nodes ends with %q", name, len(p.Nodes), got[max(0, len(got)-20):])
			}
		}
	}
}

// dotReader reads DOT by the grammar of Graphviz, as far as a graph without subgraphs has it.
type dotReader struct {
	t      *testing.T
	tokens []string
}

func (r *dotReader) next() string {
	if len(r.tokens) == 0 {
		return ""
	}
	tok := r.tokens[0]
	r.tokens = r.tokens[1:]
	return tok
}

func (r *dotReader) want(tok string) {
	r.t.Helper()
	if got := r.next(); got != tok {
		r.t.Fatalf("found %q, not %q, before %q", got, tok, r.tokens[:min(5, len(r.tokens))])
	}
}

// attributes reads [name=value, …].
func (r *dotReader) attributes() map[string]string {
	all := map[string]string{}
	if len(r.tokens) == 0 || r.tokens[0] != "[" {
		return all
	}
	r.next()
	for {
		name := r.next()
		r.want("=")
		all[name] = r.next()
		switch tok := r.next(); tok {
		case "]":
			return all
		case ",":
		default:
			r.t.Fatalf("found %q after attribute %s", tok, name)
		}
	}
}

// dotTokens cuts DOT into words, signs and quoted texts.
func dotTokens(text string) (all []string) {
	token := regexp.MustCompile(`(?s)^(?:\s+|([A-Za-z_][A-Za-z_0-9]*|-?[0-9.]+|->|[{}\[\];,=]|"(?:[^"\\]|\\.)*"))`)
	for text != "" {
		m := token.FindStringSubmatch(text)
		if m == nil {
			return append(all, "bad: "+text[:min(20, len(text))])
		}
		if m[1] != "" {
			all = append(all, m[1])
		}
		text = text[len(m[0]):]
	}
	return all
}

// What is written for Graphviz is a graph by its grammar, with just the nodes and edges of the
// picture, whatever their names.
func TestDOTIsRead(t *testing.T) {
	p := sample()
	r := &dotReader{t: t, tokens: dotTokens(text(t, DOT, p))}
	r.want("digraph")
	r.next()
	r.want("{")
	labels := map[string]string{}
	var edges []string
	for len(r.tokens) > 0 && r.tokens[0] != "}" {
		first := r.next()
		switch r.tokens[0] {
		case "->":
			r.next()
			edges = append(edges, first+" "+r.next())
			r.attributes()
		case "=":
			r.next()
			r.next()
		default:
			if a := r.attributes(); first != "node" && first != "edge" {
				labels[first] = a["label"]
			}
		}
		r.want(";")
	}
	r.want("}")
	if len(labels) != len(p.Nodes) || len(edges) != len(p.Edges) || len(r.tokens) != 0 {
		t.Errorf("%d nodes, %d edges, %q left", len(labels), len(edges), r.tokens)
	}
	for i, n := range p.Nodes {
		want := n.Label
		if n.Under != "" {
			want += "\n" + n.Under
		}
		if got := unquoted(labels[fmt.Sprint("n", i)]); got != want {
			t.Errorf("node %d is called %q, not %q", i, got, want)
		}
	}
}

// unquoted is what Graphviz shows of a label.
func unquoted(quoted string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(strings.Trim(quoted, `"`))
}

// Each line for Mermaid has a form that it knows, and no name gets out of its quotes.
func TestMermaidLines(t *testing.T) {
	forms := regexp.MustCompile(`^(flowchart LR|  %% [^{}%]*|  n\d+(\(|\[|\[\(|\(\[|\[/|\[\[)"[^"` + "`" + `<>{}\[\]|%]*(<br/>[^"` + "`" + `<>{}\[\]|%]*)?"(\)|\]|\)\]|\]\)|/\]|\]\])|  n\d+ (-->|-\.->)(\|"[^"<>{}|%]*"\|)? n\d+|  classDef \w+ [\w:.,\- ]+|  class [n\d,]+ \w+)$`)
	for line := range strings.Lines(text(t, Mermaid, sample())) {
		if !forms.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("what is %q?", line)
		}
	}
}

// An SVG is XML, in which every name is a text.
func TestSVGIsXML(t *testing.T) {
	for name, p := range map[string]*Picture{"sample": sample(), "grid": grid(5, 20), "empty": {Title: "<none>"}} {
		dec := xml.NewDecoder(strings.NewReader(text(t, SVG, p)))
		dec.Strict = true
		var said strings.Builder
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch tok := tok.(type) {
			case xml.CharData:
				said.Write(tok)
			case xml.StartElement:
				if !slices.Contains(strings.Fields("svg title style rect text g defs marker path circle"), tok.Name.Local) {
					t.Errorf("%s: element <%s>", name, tok.Name.Local)
				}
				for _, a := range tok.Attr {
					if strings.HasPrefix(a.Name.Local, "on") || strings.Contains(a.Name.Local, "href") {
						t.Errorf("%s: <%s %s=%q>", name, tok.Name.Local, a.Name.Local, a.Value)
					}
				}
			}
		}
		for _, n := range p.Nodes {
			if !strings.Contains(said.String(), n.Label) {
				t.Errorf("%s: does not say %q", name, n.Label)
			}
		}
	}
}

// A page runs its own script alone, asks for nothing, and has every fact in its data.
func TestPageIsSelfContained(t *testing.T) {
	page := text(t, HTML, sample())
	scripts, data := 0, ""
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		tok := z.Token()
		if tok.Type != html.StartTagToken && tok.Type != html.SelfClosingTagToken {
			continue
		}
		for _, a := range tok.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src":
				t.Errorf("<%s %s=%q>", tok.Data, a.Key, a.Val)
			case a.Key == "href" && a.Val != "data:,":
				t.Errorf("<%s %s=%q>", tok.Data, a.Key, a.Val)
			}
		}
		if tok.Data == "script" {
			scripts++
			z.Next()
			if scripts == 1 {
				data = z.Token().Data
			}
		}
	}
	if scripts != 2 {
		t.Errorf("%d scripts", scripts)
	}
	var got struct {
		Nodes []pageNode
		Edges [][2]int
	}
	if err := json.Unmarshal([]byte(data), &got); err != nil {
		t.Fatal(err)
	}
	for i, n := range sample().Nodes {
		if g := got.Nodes[i]; g.Label != n.Label || g.Under != n.Under || len(g.Facts) != len(n.Facts) {
			t.Errorf("node %d is %+v", i, g)
		}
	}
	if len(got.Edges) != len(sample().Edges) || strings.Contains(page, "{{") || strings.Contains(pageScript, "eval(") || strings.Contains(pageScript, "innerHTML") {
		t.Error("edges are missing, or something was not filled in, or the script writes HTML")
	}
}

// tangle is a picture of random edges, with circles.
func tangle(r *rand.Rand) *Picture {
	p := &Picture{Title: "tangle"}
	for i := range 2 + r.IntN(30) {
		n := Node{Kind: Version, Label: strings.Repeat("x", 1+r.IntN(60))}
		if i%3 == 0 {
			n.Under = "under"
		}
		p.Nodes = append(p.Nodes, n)
	}
	for range r.IntN(60) {
		p.Edges = append(p.Edges, Edge{From: r.IntN(len(p.Nodes)), To: r.IntN(len(p.Nodes)), Label: strings.Repeat("y", r.IntN(9))})
	}
	return p
}

// In whatever is drawn, edges lead from left to right but those that are turned, without which there
// would be no circle; no box lies over another; and nothing leaves the sheet.
func TestLayout(t *testing.T) {
	for seed := range uint64(300) {
		p := tangle(rand.New(rand.NewPCG(seed, 1)))
		d := place(p)
		for i, e := range p.Edges {
			if from, to := d.ends(i); e.From != e.To && d.layer[from] >= d.layer[to] {
				t.Errorf("seed %d: edge %d leads from layer %d to %d", seed, i, d.layer[from], d.layer[to])
			}
			for k := 1; k < len(d.chains[i]); k++ {
				if a, b := d.chains[i][k-1], d.chains[i][k]; a != b && d.layer[b] != d.layer[a]+1 {
					t.Errorf("seed %d: edge %d leaps from layer %d to %d", seed, i, d.layer[a], d.layer[b])
				}
			}
		}
		for _, layer := range d.layers {
			for k, n := range layer {
				b := d.boxes[n]
				if b.x < 0 || b.y < 0 || b.x+b.w > d.width || b.y+b.h > d.height {
					t.Errorf("seed %d: %+v is off a sheet of %gx%g", seed, b, d.width, d.height)
				}
				if k > 0 {
					if above := d.boxes[layer[k-1]]; above.y+above.h > b.y-rowGap/2 {
						t.Errorf("seed %d: %+v is under %+v", seed, b, above)
					}
				}
			}
		}
	}
}

// The order of layers has no more crossings than the one it began with, and none in a grid of
// straight lines.
func TestFewCrossings(t *testing.T) {
	for seed := range uint64(100) {
		p := tangle(rand.New(rand.NewPCG(seed, 2)))
		s := &sheet{p: p, layer: make([]int, len(p.Nodes)), turned: make([]bool, len(p.Edges))}
		s.turn()
		s.rank()
		s.pullRight()
		s.chain()
		before := s.crossings()
		s.order()
		if after := s.crossings(); after > before {
			t.Errorf("seed %d: %d crossings, and %d before", seed, after, before)
		}
	}
	mixed := &Picture{Nodes: make([]Node, 8), Edges: []Edge{{From: 0, To: 7}, {From: 1, To: 6}, {From: 2, To: 5}, {From: 3, To: 4}}}
	if n := arrange(mixed).crossings(); n != 0 {
		t.Errorf("%d crossings in four straight lines", n)
	}
}

// A crossing is counted once.
func TestInversions(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		ends := make([]int, r.IntN(30))
		for i := range ends {
			ends[i] = r.IntN(10)
		}
		want := 0
		for i := range ends {
			for _, e := range ends[:i] {
				if e > ends[i] {
					want++
				}
			}
		}
		if got := inversions(ends, 10); got != want {
			t.Errorf("%v: %d, want %d", ends, got, want)
		}
	}
}

func BenchmarkLayout(b *testing.B) {
	p := grid(20, 100)
	for b.Loop() {
		place(p)
	}
}
