package openlineage

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/internal/seed"
)

func TestNoSecretIsShown(t *testing.T) {
	s := struct{ Key Secret }{"hunter2"}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s.Key, s.Key), string(text)} {
		if strings.Contains(got, "hunter2") {
			t.Error(got)
		}
	}
}

func TestScrub(t *testing.T) {
	for text, want := range map[string]string{
		"open /data/a.csv: no such file":                       "open /data/a.csv: no such file",
		"get https://joe:pw@h.com:8443/a%20b?sig=1#f: refused": "get https://h.com:8443/a%20b: refused",
		"(s3://key:secret@bucket/a/b?x=1), and http://h/?k":    "(s3://bucket/a/b), and http://h/",
		"postgres://u:p%zz@h/db?password=x":                    "postgres://h/db",
	} {
		if got := scrub(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Whatever a query is put together of, what stands in its texts and comments is not told, and what
// does not stays.
func TestRandomQueriesSayNoTexts(t *testing.T) {
	random := rand.New(rand.NewPCG(seed.For(t), 0))
	hide := []string{"'SECRET'", "'it''s SECRET'", `E'\'SECRET'`, `e'SECRET\\'`, "$$'SECRET$$", "$q$SECRET$$$q$", "--SECRET '\n", "/* SECRET ' */", "/*/* SECRET */ SECRET */", "'--SECRET'", "'/*SECRET'", `'"SECRET'`, `'\SECRET\'`}
	show := []string{"SHOWN", `"SHOWN--"`, `"SHOWN's"`, "a$1 SHOWN", "(SHOWN /2)", "SHOWN-1", "'' SHOWN"}
	for range 20_000 {
		var query strings.Builder
		shown := 0
		for range 1 + random.IntN(8) {
			if random.IntN(2) == 0 {
				query.WriteString(hide[random.IntN(len(hide))] + " ")
				continue
			}
			query.WriteString(show[random.IntN(len(show))] + " ")
			shown++
		}
		if got := sqlText(query.String()); strings.Contains(got, "SECRET") || strings.Count(got, "SHOWN") != shown {
			t.Fatalf("%s:\n%s", query.String(), got)
		}
	}
}

func TestQueriesSayNoTexts(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT "a b", 'x' FROM t`:            `SELECT "a b", '…' FROM t`,
		"SELECT 1 -- it's 'a'\nWHERE x = 'b'": "SELECT 1 \nWHERE x = '…'",
		"SELECT /* 'a */ 'b' /* c":            "SELECT  '…'",
		`SELECT E'it\'s' || 'x', e'\\' , 'y'`: `SELECT E'…' || '…', e'…' , '…'`,
		"SELECT $$a'b$$, $q$c$$d$q$, a$1":     "SELECT '…', '…', a$1",
		"a /* 'x /* b */ c' */ d":             "a  d",
		"SELECT 'never closed":                "SELECT '…'",
		"SELECT * FROM 'https://a:b@h/x?k=1'": "SELECT * FROM '…'",
		`SELECT "don't" , 'x'`:                `SELECT "don't" , '…'`,
	} {
		if got := sqlText(query); got != want {
			t.Errorf("%s:\n got %s\nwant %s", query, got, want)
		}
	}
	if got := exprText(`a == "x\"y" && b != 'z' && matches(c, r"\d")`); got != `a == "…" && b != '…' && matches(c, r"…")` {
		t.Error(got)
	}
}
