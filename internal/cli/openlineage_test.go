package cli

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penstock-data/penstock/lineage/openlineage/schematest"
)

// cmdCollector starts a server that answers with a status, and keeps the events that it takes, a
// line each, and what they were sent with. Its address is OPENLINEAGE__TRANSPORT__TRANSPORTS__NAME__URL.
//
//	collector NAME STATUS [FILE]
func cmdCollector(ts *testscript.TestScript, _ bool, args []string) {
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	file := ""
	if len(args) > 2 {
		file = ts.MkAbs(args[2])
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && file != "" {
			err = appendTo(file, string(body)+"\n")
		}
		if err == nil && file != "" {
			err = appendTo(file+".headers", r.Header.Get("Authorization")+"\n")
		}
		if err != nil {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		fmt.Fprint(w, "not for me")
	}))
	ts.Defer(srv.Close)
	ts.Setenv("OPENLINEAGE__TRANSPORT__TRANSPORTS__"+args[0]+"__URL", srv.URL)
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

// cmdValid checks a file of events, a line each, by the schemas of OpenLineage, and how many
// there are.
//
//	valid FILE [NUMBER]
func cmdValid(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	n := 0
	for line := range bytes.Lines([]byte(text)) {
		n++
		if problems := schematest.Check(line); problems != nil {
			ts.Fatalf("%s: line %d: %v\n%s", args[0], n, problems, line)
		}
	}
	if want := args[len(args)-1]; n == 0 || len(args) > 1 && want != strconv.Itoa(n) {
		ts.Fatalf("%s: %d events, want %s", args[0], n, want)
	}
}
