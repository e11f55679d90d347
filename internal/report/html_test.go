package report

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/penstock-data/penstock/pipeline"
)

// allowed are the elements a page may have, and outward the attributes that make a browser
// fetch or run something.
var (
	allowed = strings.Fields(`html head meta title style body main header footer section article h1 h2 h3 h4 p span b i a br
		code pre div dl dt dd ul li table thead tbody tr th td details summary figure figcaption
		svg rect circle line text polyline`)
	outward = strings.Fields(`src srcset href xlink:href action formaction data poster background ping cite manifest`)
)

// pages are what HTML is tested with.
func pages() map[string][]*pipeline.RunRecord {
	return map[string][]*pipeline.RunRecord{"one": {rich()}, "many": months(9), "sixty": months(60), "none": nil}
}

// A page asks nothing of the network, runs nothing, and every text in it stays a text.
func TestHTMLIsSelfContained(t *testing.T) {
	may := map[string]bool{}
	for _, a := range allowed {
		may[a] = true
	}
	for name, records := range pages() {
		text := written(t, HTML, records)
		ids := map[string]bool{}
		var links []string
		for z := html.NewTokenizer(strings.NewReader(text)); z.Next() != html.ErrorToken; {
			tok := z.Token()
			if tok.Type != html.StartTagToken && tok.Type != html.SelfClosingTagToken {
				continue
			}
			if !may[tok.Data] {
				t.Errorf("%s: element <%s>", name, tok.Data)
			}
			for _, a := range tok.Attr {
				for _, o := range outward {
					if a.Key == o && !strings.HasPrefix(a.Val, "#") {
						t.Errorf("%s: <%s %s=%q>", name, tok.Data, a.Key, a.Val)
					}
				}
				switch {
				case strings.HasPrefix(a.Key, "on"):
					t.Errorf("%s: <%s %s=%q>", name, tok.Data, a.Key, a.Val)
				case a.Key == "href":
					links = append(links, a.Val)
				case a.Key == "id" && ids[a.Val]:
					t.Errorf("%s: two elements are called %s", name, a.Val)
				case a.Key == "id":
					ids[a.Val] = true
				}
			}
		}
		for _, l := range links {
			if !ids[strings.TrimPrefix(l, "#")] {
				t.Errorf("%s: the link %s leads nowhere", name, l)
			}
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "ZgotmplZ") || strings.Contains(pageStyle, "url(") || strings.Contains(pageStyle, "@import") {
			t.Errorf("%s: something is not escaped, or fetched", name)
		}
		if strings.ContainsFunc(strings.ReplaceAll(text, "\ufe0f", ""), unseen) {
			t.Errorf("%s: holds a letter that can't be seen", name)
		}
	}
}

// What a page says can be read in it, and it says no value that the record does not have.
func TestHTMLSays(t *testing.T) {
	text := textOf(t, written(t, HTML, []*pipeline.RunRecord{rich()}))
	for _, want := range []string{
		"orders 2001-07: blocked", "1,204,331", "17 rows null, beside those tested", "97%", "without it 0.1%",
		"the gate would pass", "order_id 4711", "not recorded", "2 of 24 groups failed", "holiday, no orders", "crm-team", "pii",
		"page index, 3 of 12 row groups read", "ea8cd9a956b6c49c72044ffed3717dca85dfb2779621d1751a485f7bfaa77cfc",
		"48.2 ± 0.5", "40 to 60: 8,800 (49%)", "2001-06: 0.0013", visible(hostile, true), "nothing was published",
	} {
		if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// textOf is the text of a page, with its spaces put together.
func textOf(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
