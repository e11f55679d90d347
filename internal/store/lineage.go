package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/penstock-data/penstock/lineage"
	"github.com/penstock-data/penstock/pipeline"
)

// lineageTables are those that putLineage fills.
var lineageTables = []string{"lineage_nodes", "lineage_edges", "lineage_flows"}

// nodeRow is a row of lineage_nodes.
type nodeRow struct {
	id, version, flow, rows, bytes      int64
	dataset, name, sha, fact, published string
	seconds                             float64
}

const nodeColumns = `n.id, n.dataset, n.name, n.version, n.sha256, n.fact, n.flow, n.published, n.rows, n.bytes, n.seconds, n.sum`

// sum puts the row's values together, but for the id, which is but a number that edges go by.
func (r *nodeRow) sum() int64 { return r.sumBy(&summer{}) }

func (r *nodeRow) sumBy(s *summer) int64 {
	s.buf = s.buf[:0]
	return s.text(r.dataset, r.name, r.sha, r.fact, r.published).number(r.version, r.flow, r.rows, r.bytes).float(r.seconds).sum()
}

// edge is a row of lineage_edges.
type edge struct {
	read, made int64
	kind       edgeKind
}

// edgeKind says when one was read for the other.
type edgeKind int8

const (
	madeOf    edgeKind = iota // when it was made
	lapsed                    // so too, but not when it was computed again
	readAgain                 // only then
)

func (e edge) sum() int64 { return e.sumBy(&summer{}) }

func (e edge) sumBy(s *summer) int64 {
	s.buf = s.buf[:0]
	return s.number(e.read, e.made, int64(e.kind)).sum()
}

// node gives the id of a node, which is made if there is none.
func (c *Changes) node(n lineage.Node) (id int64, err error) {
	r := nodeRow{dataset: n.Dataset, name: cmp.Or(n.Partition, n.File), version: n.Version, sha: n.SHA256}
	id, err = c.number(`SELECT id FROM lineage_nodes WHERE dataset = ? AND name = ? AND version = ? AND sha256 = ?`, r.dataset, r.name, r.version, r.sha)
	if err != nil || id != 0 {
		return id, err
	}
	done, err := c.exec(`INSERT INTO lineage_nodes (dataset, name, version, sha256, fact, flow, published, rows, bytes, seconds, sum)
		VALUES (?, ?, ?, ?, '', 0, '', 0, 0, 0, ?)`, r.dataset, r.name, r.version, r.sha, r.sum())
	if err != nil {
		return 0, err
	}
	return done.LastInsertId()
}

// number asks for a number, which is 0 if there is none.
func (c *Changes) number(text string, args ...any) (n int64, err error) {
	rows, err := c.QueryContext(context.Background(), text, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}

// putLineage notes what a manifest says of others.
func (c *Changes) putLineage(m *pipeline.Manifest) error {
	made := lineage.Of(m)
	if err := c.cameAgain(made, m.Inputs); err != nil {
		return err
	}
	rest := *made // what has no column of its own
	rest.Pipeline, rest.Stage, rest.Stages, rest.Published, rest.Rows, rest.Bytes, rest.Seconds = "", "", nil, time.Time{}, 0, 0, 0
	fact, err := json.Marshal(&rest)
	if err != nil {
		return err
	}
	id, err := c.node(made.Node())
	if err != nil {
		return err
	}
	r := nodeRow{
		dataset: made.Dataset, name: made.Partition, version: made.Version, fact: string(fact), published: made.Published.Format(timeLayout),
		rows: made.Rows, bytes: made.Bytes, seconds: made.Seconds,
	}
	if r.flow, err = c.flow(m); err != nil {
		return err
	}
	if _, err := c.exec(`UPDATE lineage_nodes SET fact = ?, flow = ?, published = ?, rows = ?, bytes = ?, seconds = ?, sum = ? WHERE id = ?`,
		r.fact, r.flow, r.published, r.rows, r.bytes, r.seconds, r.sum(), id); err != nil {
		return err
	}
	if _, err := c.exec(`DELETE FROM lineage_edges WHERE made = ?`, id); err != nil {
		return err
	}
	// The first that is noted of an input counts.
	return cmp.Or(c.edges(id, lapsed, made.Without), c.edges(id, madeOf, made.Inputs), c.edges(id, readAgain, made.Same))
}

// edges notes what was read for a version, but what is noted already.
func (c *Changes) edges(made int64, kind edgeKind, nodes []lineage.Node) error {
	for _, n := range nodes {
		read, err := c.node(n)
		if err != nil {
			return err
		}
		e := edge{read, made, kind}
		if _, err := c.exec(`INSERT INTO lineage_edges (read, made, kind, sum) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, read, made, kind, e.sum()); err != nil {
			return err
		}
	}
	return nil
}

// cameAgain looks whether the last run that computed a version read other inputs than its manifest
// has: it found it unchanged then.
func (c *Changes) cameAgain(made *lineage.Made, inputs []pipeline.InputRecord) error {
	return eachRow(context.Background(), c, func(scan func(...any) error) error {
		var text, started string
		if err := scan(&text, &started); err != nil {
			return err
		}
		b := &pipeline.Basis{}
		if err := json.Unmarshal([]byte(text), b); err != nil {
			return err
		}
		at, err := time.Parse(timeLayout, started)
		if err == nil {
			made.CameAgain(inputs, b.Inputs, at)
		}
		return err
	}, `SELECT t.basis, b.started FROM bases b JOIN basis_texts t USING (pipeline, stage, partition)
		WHERE b.pipeline = ? AND b.stage = ? AND b.partition = ? AND b.dataset = ? AND b.version = ? AND b.status IN ('published', 'unchanged')`,
		made.Pipeline, made.Stage, made.Partition, made.Dataset, made.Version)
}

// flow gives the number of the flow that a version was made by. Where nothing was computed, that is
// the one of the version before.
func (c *Changes) flow(m *pipeline.Manifest) (int64, error) {
	f := lineage.FlowOf(m)
	if f == nil {
		return c.number(`SELECT flow FROM lineage_nodes WHERE dataset = ? AND name = ? AND version < ? AND fact <> ''
			ORDER BY version DESC LIMIT 1`, m.Dataset, m.Partition, m.Version)
	}
	text := jsonText(f)
	if _, err := c.exec(`INSERT INTO lineage_flows (flow, sum) VALUES (?, ?) ON CONFLICT DO NOTHING`, text, new(summer).text(text).sum()); err != nil {
		return 0, err
	}
	return c.number(`SELECT id FROM lineage_flows WHERE flow = ?`, text)
}

// fillLineage reads the manifests of an index that is older than the tables of lineage.
func (s *Store) fillLineage(ctx context.Context) error {
	var lacking bool
	if err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM versions) AND NOT EXISTS (SELECT 1 FROM lineage_nodes)`).Scan(&lacking); err != nil || !lacking {
		return err
	}
	return s.Change(ctx, func(c *Changes) error {
		var keys [][3]any
		rows, err := c.QueryContext(ctx, `SELECT dataset, partition, version FROM versions ORDER BY dataset, partition, version`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var dataset, partition string
			var version int64
			if err := rows.Scan(&dataset, &partition, &version); err != nil {
				return err
			}
			keys = append(keys, [3]any{dataset, partition, version})
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, key := range keys {
			if err := c.fillVersion(ctx, key[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Changes) fillVersion(ctx context.Context, key []any) error {
	return eachText(ctx, c, plainSum, versionColumns, `FROM versions WHERE dataset = ? AND partition = ? AND version = ?`, func(text string) error {
		m := &pipeline.Manifest{}
		return errors.Join(json.Unmarshal([]byte(text), m), c.putLineage(m))
	}, key...)
}

// errLineage says that an edge leads nowhere.
func errLineage(id int64) error {
	return errors.New("no node has the number " + strconv.FormatInt(id, 10))
}
