package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/penstock-data/penstock/lineage"
)

// flows are those on record, by their numbers.
func (s *Store) flows(ctx context.Context, where string, args ...any) (map[int64]*lineage.Flow, error) {
	all := map[int64]*lineage.Flow{}
	err := eachRow(ctx, s, func(scan func(...any) error) error {
		var id, sum int64
		var text string
		if err := scan(&id, &text, &sum); err != nil {
			return err
		}
		if new(summer).text(text).sum() != sum {
			return errSum
		}
		all[id] = &lineage.Flow{}
		return json.Unmarshal([]byte(text), all[id])
	}, `SELECT id, flow, sum FROM lineage_flows `+where, args...)
	return all, err
}

// Flows gives the flows that made what was current at a time, with how much of it there was. A zero
// time is now. It reads an index of the table alone, which has no checksums: nothing rests on how much
// there is.
func (s *Store) Flows(ctx context.Context, at time.Time) ([]*lineage.Flow, error) {
	known, err := s.flows(ctx, "")
	if err != nil {
		return nil, s.broken(err)
	}
	until := sql.NullString{String: at.UTC().Format(timeLayout), Valid: !at.IsZero()}
	var all []*lineage.Flow
	err = eachRow(ctx, s, func(scan func(...any) error) error {
		var id int64
		var held lineage.Held
		if err := scan(&id, &held.Partitions, &held.First, &held.Last, &held.Rows, &held.Bytes, &held.Seconds); err != nil {
			return err
		}
		if f := known[id]; f != nil {
			f.Held = held
			all = append(all, f)
		}
		return nil
	}, `SELECT flow, count(*), min(name), max(name), sum(rows), sum(bytes), sum(seconds) FROM (
			SELECT name, max(version), flow, rows, bytes, seconds FROM lineage_nodes
			WHERE published <> '' AND (?1 IS NULL OR published <= ?1) GROUP BY dataset, name)
		GROUP BY flow ORDER BY flow`, until)
	if err != nil {
		return nil, s.broken(err)
	}
	return all, nil
}
