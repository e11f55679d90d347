package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the database driver

	"github.com/penstock-data/penstock/pipeline"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Name is the index's file name below the state directory.
const Name = "state.db"

// Store is an open index. It is safe for concurrent use, also by processes.
type Store struct {
	db   *sql.DB
	path string
	writer
}

// maxIdle is how many connections are kept for the next who asks: to open one takes longer than
// most questions do.
const maxIdle = 16

// Open opens the index in the directory dir, making it if there is none. A damaged
// index is an error that names the way out.
func Open(ctx context.Context, dir string) (*Store, error) {
	path := filepath.Join(dir, Name)
	params := url.Values{
		"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: params.Encode()}).String())
	if err != nil {
		return nil, broken(path, err)
	}
	db.SetMaxIdleConns(maxIdle)
	s := &Store{db: db, path: path, writer: writer{texts: map[string]*sql.Stmt{}}}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(s.broken(err), db.Close())
	}
	return s, nil
}

func (s *Store) migrate(ctx context.Context) error {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, sub)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return err
	}
	if err := s.checkSmall(ctx); err != nil {
		return err
	}
	return s.fillLineage(ctx)
}

// Broke reports whether an error says that the index can't be used.
func (s *Store) Broke(err error) bool {
	var e *pipeline.Error
	return errors.As(err, &e) && e.Where == s.path
}

// Renew moves the index away and begins a new one. Nobody may use it meanwhile.
func (s *Store) Renew(ctx context.Context) error {
	dir := filepath.Dir(s.path)
	if err := errors.Join(s.db.Close(), MoveAway(dir)); err != nil {
		return s.broken(err)
	}
	fresh, err := Open(ctx, dir)
	if err == nil {
		s.db, s.texts = fresh.db, fresh.texts
	}
	return err
}

// MoveAway moves an index that can't be used out of the way of a new one: what is damaged may be
// wanted by somebody who looks into why.
func MoveAway(dir string) (err error) {
	path := filepath.Join(dir, Name)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if rerr := os.Rename(path+suffix, path+".damaged"+suffix); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}
	return err
}

// Close closes the index.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) broken(err error) error { return broken(s.path, err) }

func broken(path string, err error) error {
	var known *pipeline.Error
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &known) {
		return err
	}
	return &pipeline.Error{
		Kind: pipeline.IO, Where: path, Msg: "the index of runs can't be used: " + err.Error(), Err: err,
		Evidence: []string{"it is only an index: `penstock rebuild` makes it anew"},
	}
}

// Version is a version that a run made, or found to be, current.
type Version struct {
	Manifest *pipeline.Manifest
	// Digest is the hex SHA-256 of the manifest.
	Digest string
	// Stamp says what the file of the manifest looks like from outside: while it is the same,
	// readers see this version.
	Stamp string
}

// timeLayout has a fixed width, so that text sorts like time.
const timeLayout = "2006-01-02T15:04:05.000000000Z"
