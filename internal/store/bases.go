package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/penstock-data/penstock/pipeline"
)

// Base is what the index knows of the latest run of a stage for a partition.
type Base struct {
	Stage, Partition, Dataset string
	Run                       string
	Status                    pipeline.Status
	// Why names the gates that blocked it, or is the error of a run that failed.
	Why string
	// Code, Gates and Up are the keys of the basis; all empty if no run came so far.
	Code, Gates, Up string
	// Data is the digest of the data that are current, Version their version.
	Data    string
	Version int64
	// Rows are those of the version, Aside those in its quarantine; BytesIn and Seconds are
	// those of the last run that computed.
	Rows, Aside, BytesIn int64
	Seconds              float64
}

const baseColumns = `stage, partition, dataset, run, status, why, code_key, gates_key, up_key, data, version, rows, aside, bytes_in, seconds`

// Bases gives what is known of every stage and partition of a pipeline, one by one, in no
// order.
func (s *Store) Bases(ctx context.Context, name string, each func(*Base)) error {
	return s.bases(ctx, each, `SELECT `+baseColumns+` FROM bases WHERE pipeline = ?`, name)
}

// BasesOf gives what is known of every partition of a dataset, whichever pipeline it is of.
func (s *Store) BasesOf(ctx context.Context, dataset string, each func(*Base)) error {
	return s.bases(ctx, each, `SELECT `+baseColumns+` FROM bases WHERE dataset = ?`, dataset)
}

func (s *Store) bases(ctx context.Context, each func(*Base), text string, args ...any) error {
	stmt, err := s.prepared(text)
	if err != nil {
		return s.broken(err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return s.broken(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b Base
		if err := rows.Scan(&b.Stage, &b.Partition, &b.Dataset, &b.Run, &b.Status, &b.Why, &b.Code, &b.Gates, &b.Up, &b.Data, &b.Version,
			&b.Rows, &b.Aside, &b.BytesIn, &b.Seconds); err != nil {
			return s.broken(err)
		}
		each(&b)
	}
	return s.rowsErr(rows)
}

// Base gives what is known of a stage and partition; nil if nothing is.
func (s *Store) Base(ctx context.Context, name, stage, partition string) (found *Base, err error) {
	err = s.bases(ctx, func(b *Base) { found = b }, `SELECT `+baseColumns+` FROM bases WHERE pipeline = ? AND stage = ? AND partition = ?`,
		name, stage, partition)
	return found, err
}

// PutBases notes what the outputs of a run rest on, and nothing else of it.
func (s *Store) PutBases(ctx context.Context, r *pipeline.RunRecord) error {
	return s.update(ctx, func(b *batch) error { return putBases(b, r) })
}

// Basis is the whole basis of a stage and partition; nil if there is none.
func (s *Store) Basis(ctx context.Context, name, stage, partition string) (*pipeline.Basis, error) {
	var text string
	err := s.one(ctx, `SELECT basis FROM basis_texts WHERE pipeline = ? AND stage = ? AND partition = ?`,
		name, stage, partition).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.broken(err)
	}
	b := &pipeline.Basis{}
	if err := json.Unmarshal([]byte(text), b); err != nil {
		return nil, s.broken(err)
	}
	return b, nil
}

// putBases notes what the outputs of a run rest on. What the run did not compute is kept as
// it was; what is known of a later run is not overwritten.
func putBases(tx *batch, r *pipeline.RunRecord) error {
	started, why := r.Started.UTC().Format(timeLayout), whyOf(r)
	for i := range r.Bases {
		b := &r.Bases[i]
		if _, err := tx.exec(`INSERT INTO bases (pipeline, stage, partition, dataset, run, started, status, why,
			code_key, gates_key, up_key, data, version, rows, bytes_in, seconds, aside)
			VALUES (?, ?, ?, ?, ?, '', '', '', '', '', '', '', 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING`,
			r.Pipeline, b.Stage, r.Partition, b.Dataset, r.Run); err != nil {
			return err
		}
		done, err := tx.exec(`UPDATE bases SET dataset = ?4, run = ?5, started = ?6, status = ?7, why = ?8
			WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3 AND started <= ?6`,
			r.Pipeline, b.Stage, r.Partition, b.Dataset, r.Run, started, string(r.Status), why)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err // a later run is on record
		}
		if err := putBasis(tx, r, b); err != nil {
			return err
		}
	}
	return nil
}

func putBasis(tx *batch, r *pipeline.RunRecord, b *pipeline.Basis) error {
	code, gates, up := b.Keys()
	if b.Version > 0 {
		if _, err := tx.exec(`UPDATE bases SET data = ?4, version = ?5, rows = ?6, aside = ?7 WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3`,
			r.Pipeline, b.Stage, r.Partition, b.Data, b.Version, b.Rows, b.RowsQuarantined); err != nil {
			return err
		}
	}
	switch {
	case b.Code == nil && b.Gates == nil:
		return nil
	case b.Code == nil:
		if _, err := tx.exec(`UPDATE bases SET gates_key = ?4 WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3`,
			r.Pipeline, b.Stage, r.Partition, gates); err != nil {
			return err
		}
		_, err := tx.exec(`UPDATE basis_texts SET basis = json_set(basis, '$.gates', json(?4), '$.params', json(?5)) WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3`,
			r.Pipeline, b.Stage, r.Partition, jsonText(b.Gates), jsonText(b.Params))
		return err
	}
	if _, err := tx.exec(`UPDATE bases SET code_key = ?4, gates_key = ?5, up_key = ?6, bytes_in = ?7, seconds = ?8
		WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3`,
		r.Pipeline, b.Stage, r.Partition, code, gates, up, bytesIn(b), b.Seconds); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT OR REPLACE INTO basis_texts VALUES (?, ?, ?, ?)`, r.Pipeline, b.Stage, r.Partition, jsonText(b))
	return err
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return string(text)
}

func bytesIn(b *pipeline.Basis) (n int64) {
	for _, in := range b.Inputs {
		for _, f := range in.Files {
			n += f.Bytes
		}
	}
	return n
}

// whyOf says in a line why a run did not publish.
func whyOf(r *pipeline.RunRecord) string {
	if r.Status != pipeline.Blocked {
		return r.Error
	}
	why := ""
	for _, f := range r.Gates {
		if !f.Blocks() || f.Approved != nil {
			continue
		}
		if why != "" {
			why += ", "
		}
		why += f.Stage + "/" + f.Name
	}
	return why
}
