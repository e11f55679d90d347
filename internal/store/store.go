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

	"github.com/penstock-data/penstock/internal/faults"
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

// Version is a version that a run made, or found to be, current.
type Version struct {
	Manifest *pipeline.Manifest
	// Digest is the hex SHA-256 of the manifest.
	Digest string
}

// PutRun writes or overwrites what is known of a run, and of the versions that are current
// since, in one step.
func (s *Store) PutRun(ctx context.Context, r *pipeline.RunRecord, current ...Version) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)`,
			r.Run, r.Pipeline, r.Partition, string(r.Status), r.Started.UTC().Format(timeLayout), string(text)); err != nil {
			return err
		}
		for _, v := range current {
			if err := putVersion(ctx, tx, v, true); err != nil {
				return err
			}
		}
		if r.Status == pipeline.Running {
			return nil
		}
		return putBases(ctx, tx, r)
	})
}

// timeLayout has a fixed width, so that text sorts like time.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// PutVersion writes what is known of a version. If current is set, no other
// version of the partition is.
func (s *Store) PutVersion(ctx context.Context, m *pipeline.Manifest, digest string, current bool) error {
	return s.update(ctx, func(tx *sql.Tx) error { return putVersion(ctx, tx, Version{m, digest}, current) })
}

func putVersion(ctx context.Context, tx *sql.Tx, v Version, current bool) error {
	m := v.Manifest
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if current {
		if _, err := tx.ExecContext(ctx, `UPDATE versions SET current = 0 WHERE dataset = ? AND partition = ?`,
			m.Dataset, m.Partition); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)`,
		m.Dataset, m.Partition, m.Version, m.Run, v.Digest, current, string(text))
	return err
}

// update makes changes that are there all, or not at all.
func (s *Store) update(ctx context.Context, change func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.broken(err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit a no-op
	if err := change(tx); err != nil {
		return s.broken(err)
	}
	if err := faults.Step("commit index", tx.Commit); err != nil {
		return s.broken(err)
	}
	return nil
}

// Forget removes everything: the first step of a rebuild.
func (s *Store) Forget(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM versions; DELETE FROM bases; DELETE FROM basis_texts; DELETE FROM runs`); err != nil {
		return s.broken(err)
	}
	return nil
}
