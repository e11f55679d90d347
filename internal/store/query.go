package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/penstock-data/penstock/lineage/verify"
	"github.com/penstock-data/penstock/pipeline"
)

// RunFilter chooses runs; empty fields choose all.
type RunFilter struct {
	Pipeline, Partition string
	Status              pipeline.Status
	// Backfill is the id of one.
	Backfill string
	// Limit is how many at most, the latest first; 0 means 50.
	Limit int
}

// Runs lists runs, the latest first.
func (s *Store) Runs(ctx context.Context, f RunFilter) ([]*pipeline.RunRecord, error) {
	if f.Limit == 0 {
		f.Limit = 50
	}
	where, args := f.where()
	return query[pipeline.RunRecord](ctx, s, "sum", runColumns, `FROM runs`+where+` ORDER BY started DESC, run DESC LIMIT ?`, append(args, f.Limit)...)
}

// where names only the columns that are asked for, so that an index of theirs is used.
func (f RunFilter) where() (text string, args []any) {
	return where("pipeline", f.Pipeline, "partition", f.Partition, "status", string(f.Status), "backfill", f.Backfill)
}

// where is a condition on columns, of which those without a value may have any.
func where(columns ...string) (text string, args []any) {
	for i := 0; i < len(columns); i += 2 {
		if columns[i+1] == "" {
			continue
		}
		word := " AND "
		if len(args) == 0 {
			word = " WHERE "
		}
		text += word + columns[i] + " = ?"
		args = append(args, columns[i+1])
		if columns[i] == "backfill" {
			text += " AND backfill <> ''" // as the index has it
		}
	}
	return text, args
}

// Ended calls each with the partitions of a backfill and how their runs ended, in no order.
func (s *Store) Ended(ctx context.Context, backfill string, each func(partition string, status pipeline.Status)) error {
	rows, err := s.db.QueryContext(ctx, `SELECT partition, status FROM runs WHERE backfill = ? AND backfill <> ''`, backfill)
	if err != nil {
		return s.broken(err)
	}
	defer rows.Close()
	for rows.Next() {
		var partition, status string
		if err := rows.Scan(&partition, &status); err != nil {
			return s.broken(err)
		}
		each(partition, pipeline.Status(status))
	}
	return s.rowsErr(rows)
}

// CountRuns is how many runs are in the index.
func (s *Store) CountRuns(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM runs`).Scan(&n)
	return n, err
}

// Run finds a run by its id or the beginning of it.
func (s *Store) Run(ctx context.Context, id string) (*pipeline.RunRecord, error) {
	found, err := query[pipeline.RunRecord](ctx, s, "sum", runColumns,
		`FROM runs WHERE run >= ?1 AND run < ?1 || char(1114111) ORDER BY started DESC LIMIT 2`, id)
	if err != nil {
		return nil, err
	}
	switch {
	case id == "" || len(found) == 0:
		return nil, pipeline.Errorf(pipeline.Invalid, "no run %q is known", id).With("list them with `penstock runs`")
	case len(found) > 1 && found[0].Run != id && found[1].Run != id:
		return nil, pipeline.Errorf(pipeline.Invalid, "more than one run begins with %q: %s, %s, …", id, found[0].Run, found[1].Run)
	}
	for _, r := range found {
		if r.Run == id {
			return r, nil
		}
	}
	return found[0], nil
}

// Versions lists the versions that are kept of a dataset's partition, or of all
// partitions or datasets where those are empty.
func (s *Store) Versions(ctx context.Context, dataset, partition string) ([]*pipeline.Manifest, error) {
	text, args := where("dataset", dataset, "partition", partition)
	return query[pipeline.Manifest](ctx, s, plainSum, versionColumns, `FROM versions`+text+` ORDER BY dataset, partition, version`, args...)
}

// Past is a partition and the digest of the manifest of its current version.
type Past struct{ Partition, Digest string }

// Before lists published partitions of a dataset whose names come before one, the last first, and
// at most limit of them. Windows of time are named in their order.
func (s *Store) Before(ctx context.Context, dataset, partition string, limit int) (all []Past, err error) {
	rows, err := s.QueryContext(ctx, `SELECT partition, digest FROM versions WHERE dataset = ? AND partition < ? AND current <> 0
		ORDER BY partition DESC, version DESC LIMIT ?`, dataset, partition, limit)
	if err != nil {
		return nil, s.broken(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Past
		if err := rows.Scan(&p.Partition, &p.Digest); err != nil {
			return nil, s.broken(err)
		}
		all = append(all, p)
	}
	return all, s.rowsErr(rows)
}

// Datasets lists the names of all datasets that have a version.
func (s *Store) Datasets(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT DISTINCT dataset FROM versions ORDER BY dataset`)
	if err != nil {
		return nil, s.broken(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, s.broken(err)
		}
		names = append(names, name)
	}
	return names, s.rowsErr(rows)
}

func (s *Store) rowsErr(rows *sql.Rows) error {
	if err := rows.Err(); err != nil {
		return s.broken(err)
	}
	return nil
}

// query reads rows whose last column is a JSON text.
func query[T any](ctx context.Context, s *Store, sum, columns, rest string, args ...any) (all []*T, err error) {
	err = eachText(ctx, s, sum, columns, rest, func(text string) error {
		v := new(T)
		all = append(all, v)
		return json.Unmarshal([]byte(text), v)
	}, args...)
	if err != nil {
		return nil, s.broken(err)
	}
	return all, nil
}

// Indexed lists every version with what the index says of it, for verify.
func (s *Store) Indexed(ctx context.Context) ([]verify.Indexed, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT dataset, partition, version, digest, current FROM versions`)
	if err != nil {
		return nil, s.broken(err)
	}
	defer rows.Close()
	var all []verify.Indexed
	for rows.Next() {
		var v verify.Indexed
		if err := rows.Scan(&v.Dataset, &v.Partition, &v.Version, &v.Digest, &v.Current); err != nil {
			return nil, s.broken(err)
		}
		all = append(all, v)
	}
	return all, s.rowsErr(rows)
}

// Knows reports whether some version has a manifest of this digest.
func (s *Store) Knows(ctx context.Context, digest string) (bool, error) {
	var n int
	if err := s.one(ctx, `SELECT count(*) FROM versions WHERE digest = ?`, digest).Scan(&n); err != nil {
		return false, s.broken(err)
	}
	return n > 0, nil
}

// Digest is that of the manifest of a version, as it was published; empty if it is not on
// record.
func (s *Store) Digest(ctx context.Context, dataset, partition string, version int64) (string, error) {
	var digest string
	err := s.one(ctx, `SELECT coalesce(max(digest), '') FROM versions WHERE dataset = ? AND partition = ? AND version = ?`, dataset, partition, version).Scan(&digest)
	if err != nil {
		return "", s.broken(err)
	}
	return digest, nil
}
