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

	text string // the manifest as JSON
}

// PutRun writes or overwrites what is known of a run, and of the versions that are current
// since, in one step.
func (s *Store) PutRun(ctx context.Context, r *pipeline.RunRecord, current ...Version) error {
	record, err := marshal(r)
	if err != nil {
		return err
	}
	for i := range current {
		if current[i].text, err = marshal(current[i].Manifest); err != nil {
			return err
		}
	}
	return s.update(ctx, func(b *batch) error {
		if _, err := b.exec(`INSERT OR REPLACE INTO runs (run, pipeline, partition, status, started, record, backfill) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			r.Run, r.Pipeline, r.Partition, string(r.Status), r.Started.UTC().Format(timeLayout), record, r.Backfill); err != nil {
			return err
		}
		for _, v := range current {
			if err := putVersion(b, v, true); err != nil {
				return err
			}
		}
		if r.Status == pipeline.Running {
			return nil
		}
		return putBases(b, r)
	})
}

// timeLayout has a fixed width, so that text sorts like time.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// PutVersion writes what is known of a version. If current is set, no other
// version of the partition is.
func (s *Store) PutVersion(ctx context.Context, m *pipeline.Manifest, digest string, current bool) error {
	text, err := marshal(m)
	if err != nil {
		return err
	}
	return s.update(ctx, func(b *batch) error { return putVersion(b, Version{m, digest, text}, current) })
}

func marshal(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

func putVersion(b *batch, v Version, current bool) error {
	m := v.Manifest
	if current {
		if _, err := b.exec(`UPDATE versions SET current = 0 WHERE dataset = ? AND partition = ? AND current`,
			m.Dataset, m.Partition); err != nil {
			return err
		}
	}
	_, err := b.exec(`INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)`,
		m.Dataset, m.Partition, m.Version, m.Run, v.Digest, current, v.text)
	return err
}

// Forget removes everything: the first step of a rebuild.
func (s *Store) Forget(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM versions; DELETE FROM bases; DELETE FROM basis_texts; DELETE FROM runs`); err != nil {
		return s.broken(err)
	}
	return nil
}
