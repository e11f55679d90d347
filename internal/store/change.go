package store

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/penstock-data/penstock/pipeline"
)

// PutRun is Changes.PutRun alone.
func (s *Store) PutRun(ctx context.Context, r *pipeline.RunRecord) error {
	return s.Change(ctx, func(c *Changes) error { return c.PutRun(r) })
}

// PutRun writes or overwrites what is known of a run.
func (c *Changes) PutRun(r *pipeline.RunRecord) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	row := []string{r.Run, r.Pipeline, r.Partition, string(r.Status), r.Started.UTC().Format(timeLayout), r.Backfill, string(text)}
	if _, err := c.exec(`INSERT OR REPLACE INTO runs (`+runColumns+`, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		row[0], row[1], row[2], row[3], row[4], row[5], row[6], new(summer).text(row...).sum()); err != nil {
		return err
	}
	if r.Status == pipeline.Running {
		return nil
	}
	return putBases(c, r)
}

// PutVersion writes what is known of a version. If current is set, no other version of the
// partition is.
func (c *Changes) PutVersion(v Version, current bool) error {
	m := v.Manifest
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := c.putLineage(m); err != nil {
		return err
	}
	version := strconv.FormatInt(m.Version, 10)
	sum := new(summer).text(m.Dataset, m.Partition, version, m.Run, v.Digest, string(text)).sum()
	if current {
		if _, err := c.exec(`UPDATE versions SET sum = `+plainSum+`, current = 0 WHERE dataset = ? AND partition = ? AND current <> 0`,
			m.Dataset, m.Partition); err != nil {
			return err
		}
	}
	if _, err = c.exec(`INSERT OR REPLACE INTO versions (`+versionColumns+`, current, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 + ?7 * `+currentSum+`)`,
		m.Dataset, m.Partition, m.Version, m.Run, v.Digest, string(text), current, sum); err != nil || !current {
		return err
	}
	return c.stamp(v)
}

// stamp notes what the manifest of a current version looks like.
func (c *Changes) stamp(v Version) error {
	m := v.Manifest
	if _, err := c.exec(`UPDATE bases SET stamp = ?4 WHERE pipeline = ?1 AND stage = ?2 AND partition = ?3 AND version = ?5`,
		m.Pipeline, m.Stage, m.Partition, v.Stamp, m.Version); err != nil {
		return err
	}
	return sealBase(c, m.Pipeline, m.Stage, m.Partition)
}

// PutBases notes what the outputs of a run rest on, and nothing else of it.
func (c *Changes) PutBases(r *pipeline.RunRecord) error { return putBases(c, r) }

// Base is Store.Base in the middle of changes.
func (c *Changes) Base(name, stage, partition string) (found *Base, err error) {
	err = eachBase(context.Background(), c, func(b *baseRow) error { found = &b.Base; return nil }, oneBase, name, stage, partition)
	return found, err
}

// Forget removes everything: the first step of a rebuild.
func (c *Changes) Forget() error {
	for _, table := range append(lineageTables, "versions", "bases", "basis_texts", "runs") {
		if _, err := c.exec(`DELETE FROM ` + table); err != nil {
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
