package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

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
	// Stamp is the Version.Stamp of the version; empty if nobody noted it.
	Stamp string

	started string // when the run was
}

// After reports whether the run began after a time.
func (b *Base) After(t time.Time) bool { return b.started > t.UTC().Format(timeLayout) }

// baseRow is a row of bases.
type baseRow struct {
	Base
	pipeline string
}

const baseColumns = `sum, pipeline, stage, partition, dataset, run, started, status, why, code_key, gates_key, up_key, data, stamp,
	version, rows, aside, bytes_in, seconds`

// sum puts the row's values together.
func (b *baseRow) sum() *summer {
	return new(summer).text(b.pipeline, b.Stage, b.Partition, b.Dataset, b.Run, b.started, string(b.Status), b.Why, b.Code, b.Gates, b.Up, b.Data, b.Stamp).
		number(b.Version, b.Rows, b.Aside, b.BytesIn).float(b.Seconds)
}

// eachBase reads rows of bases and compares their checksums. It makes a new row each time.
func eachBase(ctx context.Context, q querier, each func(*baseRow) error, where string, args ...any) error {
	rows, err := q.QueryContext(ctx, `SELECT `+baseColumns+` FROM bases `+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var b baseRow
		var sum sql.NullInt64
		if err := rows.Scan(&sum, &b.pipeline, &b.Stage, &b.Partition, &b.Dataset, &b.Run, &b.started, &b.Status, &b.Why, &b.Code, &b.Gates, &b.Up, &b.Data, &b.Stamp,
			&b.Version, &b.Rows, &b.Aside, &b.BytesIn, &b.Seconds); err != nil {
			return err
		}
		if err := b.sum().check(sum); err != nil {
			return err
		}
		if err := each(&b); err != nil {
			return err
		}
	}
	return rows.Err()
}

const oneBase = `WHERE pipeline = ? AND stage = ? AND partition = ?`

// sealBase gives a row that was changed its checksum.
func sealBase(tx *Changes, name, stage, partition string) error {
	const update = `UPDATE bases SET sum = ? ` + oneBase
	if _, err := tx.exec(update, nil, name, stage, partition); err != nil {
		return err
	}
	var row *baseRow
	if err := eachBase(context.Background(), tx, func(b *baseRow) error { row = b; return nil }, oneBase, name, stage, partition); err != nil {
		return err
	}
	if row == nil {
		return nil
	}
	_, err := tx.exec(update, row.sum().sum(), name, stage, partition)
	return err
}

// Bases gives what is known of every stage and partition of a pipeline, one by one, in no
// order.
func (s *Store) Bases(ctx context.Context, name string, each func(*Base)) error {
	return s.bases(ctx, each, `WHERE pipeline = ?`, name)
}

// BasesOf gives what is known of every partition of a dataset, whichever pipeline it is of.
func (s *Store) BasesOf(ctx context.Context, dataset string, each func(*Base)) error {
	return s.bases(ctx, each, `WHERE dataset = ?`, dataset)
}

func (s *Store) bases(ctx context.Context, each func(*Base), where string, args ...any) error {
	err := eachBase(ctx, s, func(b *baseRow) error { each(&b.Base); return nil }, where, args...)
	if err != nil {
		return s.broken(err)
	}
	return nil
}

// Base gives what is known of a stage and partition; nil if nothing is.
func (s *Store) Base(ctx context.Context, name, stage, partition string) (found *Base, err error) {
	err = s.bases(ctx, func(b *Base) { found = b }, oneBase, name, stage, partition)
	return found, err
}

// Basis is the whole basis of a stage and partition; nil if there is none.
func (s *Store) Basis(ctx context.Context, name, stage, partition string) (*pipeline.Basis, error) {
	found, err := query[pipeline.Basis](ctx, s, "sum", textColumns, `FROM basis_texts `+oneBase, name, stage, partition)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// putBases notes what the outputs of a run rest on. What the run did not compute is kept as
// it was; what is known of a later run is not overwritten.
func putBases(tx *Changes, r *pipeline.RunRecord) error {
	started := r.Started.UTC().Format(timeLayout)
	for i := range r.Bases {
		b := &r.Bases[i]
		status, why := r.StatusOf(b.Dataset), ""
		if status == r.Status {
			why = whyOf(r)
		}
		if notRun(r, b) {
			if err := forgetBasis(tx, r, b); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.exec(`INSERT INTO bases (pipeline, stage, partition, dataset, run, started, status, why,
			code_key, gates_key, up_key, data, version, rows, bytes_in, seconds, aside)
			VALUES (?, ?, ?, ?, ?, '', '', '', '', '', '', '', 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING`,
			r.Pipeline, b.Stage, r.Partition, b.Dataset, r.Run); err != nil {
			return err
		}
		done, err := tx.exec(`UPDATE bases SET dataset = ?4, run = ?5, started = ?6, status = ?7, why = ?8
			WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3 AND started <= ?6`,
			r.Pipeline, b.Stage, r.Partition, b.Dataset, r.Run, started, string(status), why)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			continue // a later run is on record
		}
		if err := putBasis(tx, r, b); err != nil {
			return err
		}
		if err := sealBase(tx, r.Pipeline, b.Stage, r.Partition); err != nil {
			return err
		}
	}
	return nil
}

// notRun reports whether a stage was not run by a run that published: one that lost its input to a
// gate that somebody overruled later.
func notRun(r *pipeline.RunRecord, b *pipeline.Basis) bool {
	return (r.Status == pipeline.Published || r.Status == pipeline.Unchanged) && slices.Contains(r.NotRun, b.Stage)
}

// forgetBasis takes away what was noted of a stage when the run was blocked.
func forgetBasis(tx *Changes, r *pipeline.RunRecord, b *pipeline.Basis) error {
	done, err := tx.exec(`DELETE FROM bases `+oneBase+` AND run = ?`, r.Pipeline, b.Stage, r.Partition, r.Run)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = tx.exec(`DELETE FROM basis_texts `+oneBase, r.Pipeline, b.Stage, r.Partition)
	return err
}

func putBasis(tx *Changes, r *pipeline.RunRecord, b *pipeline.Basis) error {
	code, gates, up := b.Keys()
	if b.Version > 0 {
		if _, err := tx.exec(`UPDATE bases SET data = ?4, version = ?5, rows = ?6, aside = ?7, stamp = CASE WHEN version = ?5 THEN stamp ELSE '' END
			WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3`,
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
		return judgedAgain(tx, r, b)
	}
	if _, err := tx.exec(`UPDATE bases SET code_key = ?4, gates_key = ?5, up_key = ?6, bytes_in = ?7, seconds = ?8
		WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3`,
		r.Pipeline, b.Stage, r.Partition, code, gates, up, bytesIn(b), b.Seconds); err != nil {
		return err
	}
	return putText(tx, r, b)
}

// judgedAgain gives what is on record of a stage the rules and parameters of a run that only
// judged.
func judgedAgain(tx *Changes, r *pipeline.RunRecord, b *pipeline.Basis) error {
	was := ""
	err := eachText(context.Background(), tx, "sum", textColumns, `FROM basis_texts `+oneBase, func(text string) error { was = text; return nil }, r.Pipeline, b.Stage, r.Partition)
	if err != nil || was == "" {
		return err
	}
	now := &pipeline.Basis{}
	if err := json.Unmarshal([]byte(was), now); err != nil {
		return err
	}
	now.Gates, now.Params = b.Gates, b.Params
	return putText(tx, r, now)
}

func putText(tx *Changes, r *pipeline.RunRecord, b *pipeline.Basis) error {
	text := jsonText(b)
	_, err := tx.exec(`INSERT OR REPLACE INTO basis_texts (`+textColumns+`, sum) VALUES (?, ?, ?, ?, ?)`,
		r.Pipeline, b.Stage, r.Partition, text, new(summer).text(r.Pipeline, b.Stage, r.Partition, text).sum())
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
