package store

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/penstock-data/penstock/pipeline"
)

// Changes are made to an index together, or not at all.
type Changes struct{ b *batch }

// Change makes the changes that f asks for. An error of f is given as it is, and nothing is
// changed.
func (s *Store) Change(ctx context.Context, f func(Changes) error) error {
	return s.update(ctx, func(b *batch) error { return f(Changes{b}) })
}

// PutRun writes or overwrites what is known of a run, and of the versions that are current
// since, in one step.
func (s *Store) PutRun(ctx context.Context, r *pipeline.RunRecord, current ...Version) error {
	record, err := json.Marshal(r)
	if err != nil {
		return err
	}
	for i := range current {
		if err := current[i].marshal(); err != nil {
			return err
		}
	}
	return s.update(ctx, func(b *batch) error { return putRun(b, r, string(record), current) })
}

// PutRun is Store.PutRun.
func (c Changes) PutRun(r *pipeline.RunRecord) error {
	record, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return putRun(c.b, r, string(record), nil)
}

func putRun(b *batch, r *pipeline.RunRecord, record string, current []Version) error {
	row := []string{r.Run, r.Pipeline, r.Partition, string(r.Status), r.Started.UTC().Format(timeLayout), r.Backfill, record}
	if _, err := b.exec(`INSERT OR REPLACE INTO runs (`+runColumns+`, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		row[0], row[1], row[2], row[3], row[4], row[5], row[6], new(summer).text(row...).sum()); err != nil {
		return err
	}
	if r.Status == pipeline.Running {
		return nil
	}
	if err := putBases(b, r); err != nil {
		return err
	}
	for _, v := range current {
		if err := putVersion(b, v, true); err != nil {
			return err
		}
	}
	return sealBases(b, r)
}

func sealBases(b *batch, r *pipeline.RunRecord) error {
	for _, basis := range r.Bases {
		if err := sealBase(b, r.Pipeline, basis.Stage, r.Partition); err != nil {
			return err
		}
	}
	return nil
}

func (v *Version) marshal() error {
	text, err := json.Marshal(v.Manifest)
	v.text = string(text)
	return err
}

// PutVersion writes what is known of a version. If current is set, no other version of the
// partition is.
func (c Changes) PutVersion(v Version, current bool) error {
	if err := v.marshal(); err != nil {
		return err
	}
	if err := putVersion(c.b, v, current); err != nil || !current {
		return err
	}
	return sealBase(c.b, v.Manifest.Pipeline, v.Manifest.Stage, v.Manifest.Partition)
}

// putVersion writes a version, and notes the stamp of one that is current with what it rests on:
// that has another checksum then.
func putVersion(b *batch, v Version, current bool) error {
	m := v.Manifest
	sum := new(summer).text(m.Dataset, m.Partition, strconv.FormatInt(m.Version, 10), m.Run, v.Digest, v.text).sum()
	if current {
		if _, err := b.exec(`UPDATE versions SET sum = `+plainSum+`, current = 0 WHERE dataset = ? AND partition = ? AND current`,
			m.Dataset, m.Partition); err != nil {
			return err
		}
	}
	_, err := b.exec(`INSERT OR REPLACE INTO versions (`+versionColumns+`, current, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 + ?7 * `+currentSum+`)`,
		m.Dataset, m.Partition, m.Version, m.Run, v.Digest, v.text, current, sum)
	if err == nil && current {
		_, err = b.exec(`UPDATE bases SET stamp = ?4 WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3 AND version = ?5`,
			m.Pipeline, m.Stage, m.Partition, v.Stamp, m.Version)
	}
	return err
}

// PutBases notes what the outputs of a run rest on, and nothing else of it.
func (c Changes) PutBases(r *pipeline.RunRecord) error {
	if err := putBases(c.b, r); err != nil {
		return err
	}
	return sealBases(c.b, r)
}

// Base is Store.Base in the middle of changes.
func (c Changes) Base(name, stage, partition string) (found *Base, err error) {
	err = eachBase(c.b.query, func(b *baseRow) error { found = &b.Base; return b.check() }, oneBase, name, stage, partition)
	return found, err
}

// Forget removes everything: the first step of a rebuild.
func (c Changes) Forget() error {
	for _, table := range []string{"versions", "bases", "basis_texts", "runs"} {
		if _, err := c.b.exec("DELETE FROM " + table); err != nil {
			return err
		}
	}
	return nil
}

// Finished lists the runs that the index has and that have ended, and those that have not.
func (s *Store) Finished(ctx context.Context) (ended map[string]bool, running []string, err error) {
	ended = map[string]bool{}
	rows, err := s.db.QueryContext(ctx, `SELECT run FROM runs`)
	if err != nil {
		return nil, nil, s.broken(err)
	}
	defer rows.Close()
	for rows.Next() {
		var run string
		if err := rows.Scan(&run); err != nil {
			return nil, nil, s.broken(err)
		}
		ended[run] = true
	}
	if err := s.rowsErr(rows); err != nil {
		return nil, nil, err
	}
	if running, err = s.Running(ctx); err != nil {
		return nil, nil, err
	}
	for _, run := range running {
		delete(ended, run)
	}
	return ended, running, nil
}

// Running lists the runs that have not ended as far as the index knows.
func (s *Store) Running(ctx context.Context) (runs []string, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT run FROM runs WHERE status = 'running'`)
	if err != nil {
		return nil, s.broken(err)
	}
	defer rows.Close()
	for rows.Next() {
		var run string
		if err := rows.Scan(&run); err != nil {
			return nil, s.broken(err)
		}
		runs = append(runs, run)
	}
	return runs, s.rowsErr(rows)
}
