package openlineage

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
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

func TestQueriesSayNoTexts(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT "a b", 'x' FROM t`:            `SELECT "a b", '…' FROM t`,
		"SELECT 1 -- it's 'a'\nWHERE x = 'b'": "SELECT 1 \nWHERE x = '…'",
		"SELECT /* 'a */ 'b' /* c":            "SELECT  '…'",
		`SELECT E'it\'s' || 'x', e'\\' , 'y'`: `SELECT E'…' || '…', e'…' , '…'`,
		"SELECT $$a'b$$, $q$c$$d$q$, a$1":     "SELECT '…', '…', a$1",
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
