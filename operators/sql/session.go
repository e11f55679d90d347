package sql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/penstock-data/penstock/pipeline"
)

// session is a locked database in memory with one connection. One goroutine uses it.
type session struct {
	db   duckdb.Database
	conn duckdb.Connection
	temp string

	mu     sync.Mutex // guards closed against a late interrupt
	closed bool
}

// bindMemory is the budget of a database that only types statements, in bytes.
const bindMemory = 256 << 20

// openSession opens a database within memory bytes. env is nil for one that only
// types statements.
func openSession(env *pipeline.Env, threads int) (*session, error) {
	memory, temp := int64(bindMemory), ""
	if env != nil {
		memory = max(env.Memory.Limit()/2, 64<<20)
		var err error
		if temp, err = os.MkdirTemp(env.Temp, "duckdb-"); err != nil {
			return nil, err
		}
	}
	s := &session{temp: temp}
	if err := s.open(memory, threads); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *session) open(memory int64, threads int) error {
	var config duckdb.Config
	if duckdb.CreateConfig(&config) == duckdb.StateError {
		return pipeline.Errorf(pipeline.Internal, "duckdb gave no configuration")
	}
	defer duckdb.DestroyConfig(&config)
	for _, set := range [][2]string{
		{"memory_limit", fmt.Sprintf("%dB", memory)},
		{"threads", fmt.Sprint(max(threads, 1))},
		{"temp_directory", s.temp},
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		{"preserve_insertion_order", "true"},
	} {
		if duckdb.SetConfig(config, set[0], set[1]) == duckdb.StateError {
			return pipeline.Errorf(pipeline.Internal, "duckdb has no option %s", set[0])
		}
	}
	var msg string
	if duckdb.OpenExt(":memory:", &s.db, config, &msg) == duckdb.StateError {
		return pipeline.Errorf(pipeline.Internal, "duckdb does not start: %s", firstLine(msg))
	}
	if duckdb.Connect(s.db, &s.conn) == duckdb.StateError {
		return pipeline.Errorf(pipeline.Internal, "duckdb does not connect")
	}
	return s.lock()
}

// lock shuts the database off, in the order in which it holds, and reads back that
// it does.
func (s *session) lock() error {
	for _, text := range []string{
		"SET TimeZone = 'UTC'",
		"SET allowed_directories = []",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	} {
		if err := s.exec(context.Background(), text); err != nil {
			return err
		}
	}
	var out []string
	err := s.each(context.Background(), "SELECT current_setting('enable_external_access')::VARCHAR || current_setting('lock_configuration')::VARCHAR",
		func(text string) { out = append(out, text) })
	if err != nil {
		return err
	}
	if len(out) != 1 || out[0] != "falsetrue" {
		return pipeline.Errorf(pipeline.Internal, "duckdb could not be locked (%v): no SQL is run", out)
	}
	return nil
}

// watch interrupts the database when ctx ends, until stop is called.
func (s *session) watch(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			duckdb.Interrupt(s.conn)
		}
	})
}

// exec runs a statement that gives no rows.
func (s *session) exec(ctx context.Context, text string) error {
	defer s.watch(ctx)()
	if err := ctx.Err(); err != nil {
		return err
	}
	var res duckdb.Result
	defer duckdb.DestroyResult(&res)
	if duckdb.Query(s.conn, text, &res) == duckdb.StateError {
		return failure(ctx, duckdb.ResultError(&res))
	}
	return nil
}

// each calls f with the texts of a query's only column.
func (s *session) each(ctx context.Context, text string, f func(string)) error {
	defer s.watch(ctx)()
	var res duckdb.Result
	defer duckdb.DestroyResult(&res)
	if duckdb.Query(s.conn, text, &res) == duckdb.StateError {
		return failure(ctx, duckdb.ResultError(&res))
	}
	for {
		chunk := duckdb.FetchChunk(res)
		if chunk.Ptr == nil {
			return nil
		}
		n := int(duckdb.DataChunkGetSize(chunk))
		for _, cell := range stringCells(duckdb.DataChunkGetVector(chunk, 0), n) {
			f(string(cell))
		}
		duckdb.DestroyDataChunk(&chunk)
	}
}

func (s *session) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	duckdb.Disconnect(&s.conn)
	duckdb.Close(&s.db)
	if s.temp == "" {
		return nil
	}
	return os.RemoveAll(filepath.Clean(s.temp))
}

// failure turns a message of DuckDB's into an error.
func failure(ctx context.Context, msg string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	first, rest := firstLine(msg), ""
	if i := strings.Index(msg, "\n"); i >= 0 {
		rest = strings.TrimSpace(msg[i:])
	}
	kind := pipeline.BadInput
	sort, what, found := strings.Cut(first, ": ")
	if found && strings.HasSuffix(sort, "Error") {
		first = what
		switch sort {
		case "Out of Memory Error":
			kind, first = pipeline.Memory, "duckdb has not enough memory: "+what
		case "Parser Error", "Binder Error", "Catalog Error", "Permission Error", "Syntax Error", "Not implemented Error":
			kind = pipeline.Invalid
		case "INTERNAL Error":
			kind = pipeline.Internal
		}
	}
	e := pipeline.Errorf(kind, "%s", lowerFirst(strings.TrimSuffix(strings.TrimRight(first, " "), ".")))
	for line := range strings.Lines(rest) {
		if line = strings.TrimRight(line, "\n "); line != "" {
			e.Evidence = append(e.Evidence, line)
		}
	}
	if kind == pipeline.Memory {
		e.Evidence = append(e.Evidence, "give the run more with --memory, or work on smaller partitions")
	}
	return e
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// quote writes an identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quote(n)
	}
	return strings.Join(quoted, ", ")
}
