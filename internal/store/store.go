package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
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
}

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
	s := &Store{db: db, path: path}
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
	var verdict string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%s", verdict)
	}
	return nil
}

// Close closes the index.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) broken(err error) error { return broken(s.path, err) }

func broken(path string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &pipeline.Error{
		Kind: pipeline.IO, Where: path, Msg: "the index of runs can't be used: " + err.Error(), Err: err,
		Evidence: []string{"it is only an index: move it away and run `penstock rebuild`"},
	}
}

// PutRun writes or overwrites what is known of a run.
func (s *Store) PutRun(ctx context.Context, r *pipeline.RunRecord) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, `INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)`,
		r.Run, r.Pipeline, r.Partition, string(r.Status), r.Started.UTC().Format(timeLayout), string(text))
	if err != nil {
		return s.broken(err)
	}
	return nil
}

// timeLayout has a fixed width, so that text sorts like time.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// PutVersion writes what is known of a version. If current is set, no other
// version of the partition is.
func (s *Store) PutVersion(ctx context.Context, m *pipeline.Manifest, digest string, current bool) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.broken(err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit a no-op
	if current {
		if _, err := tx.ExecContext(ctx, `UPDATE versions SET current = 0 WHERE dataset = ? AND partition = ?`,
			m.Dataset, m.Partition); err != nil {
			return s.broken(err)
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)`,
		m.Dataset, m.Partition, m.Version, m.Run, digest, current, string(text)); err != nil {
		return s.broken(err)
	}
	if err := tx.Commit(); err != nil {
		return s.broken(err)
	}
	return nil
}

// Forget removes everything: the first step of a rebuild.
func (s *Store) Forget(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM versions; DELETE FROM runs`); err != nil {
		return s.broken(err)
	}
	return nil
}
