package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/lineage"
)

// LineageQuery says what a graph is wanted of.
type LineageQuery struct {
	// Name is a dataset, or the path of a file, perhaps with # and the beginning of a digest.
	// Empty: everything that is on record, and nothing else counts.
	Name string
	// Partition and Version are those of a dataset; empty and 0 are all.
	Partition string
	Version   int64
	// Up and Down are the ways that are followed, in at most Depth steps; a negative Depth has no
	// end.
	Up, Down bool
	Depth    int
}

// Lineage gives the versions that a query reaches, with all other versions of their partitions, so
// that it can be told what became of them. It reads no more of the index than that.
func (s *Store) Lineage(ctx context.Context, q LineageQuery) ([]*lineage.Made, error) {
	l := &lineageReader{ctx: ctx, s: s, nodes: map[int64]*nodeRow{}}
	if err := l.read(q); err != nil {
		return nil, s.broken(err)
	}
	return l.result()
}

type lineageReader struct {
	ctx   context.Context
	s     *Store
	nodes map[int64]*nodeRow
	edges []edge
	whole *whole // nil: it was not read
}

func (l *lineageReader) read(q LineageQuery) (err error) {
	if q.Name == "" {
		if err := l.edgesOf(func(edge) {}, `FROM lineage_edges`); err != nil {
			return err
		}
		return l.nodesOf(nil, `FROM lineage_nodes n`) // after the edges, so that none leads nowhere
	}
	roots, err := l.roots(q)
	if err != nil {
		return err
	}
	if q.Up {
		err = l.follow(roots, q.Depth, "made", func(e edge) int64 { return e.read })
	}
	down := func(e edge) int64 { return e.made }
	if err == nil && q.Down {
		err = l.follow(roots, q.Depth, "read", down)
	}
	if loose := l.loose(roots); err == nil && (!q.Down || q.Depth == 0) {
		err = l.follow(loose, 1, "read", down)
	}
	if err != nil {
		return err
	}
	return l.siblings()
}

// loose are those of some nodes that are known by what reads them alone: files, and versions whose
// manifests are not on record.
func (l *lineageReader) loose(ids []int64) (loose []int64) {
	for _, id := range ids {
		if l.nodes[id].fact == "" {
			loose = append(loose, id)
		}
	}
	return loose
}

// roots reads the nodes that are asked about.
func (l *lineageReader) roots(q LineageQuery) (ids []int64, err error) {
	take := func(r *nodeRow) { ids = append(ids, r.id) }
	of, args := `FROM lineage_nodes n WHERE n.dataset = ?`, []any{q.Name}
	if q.Partition != "" {
		of, args = of+` AND n.name = ?`, append(args, q.Partition)
	}
	if q.Version != 0 {
		of, args = of+` AND n.version = ?`, append(args, q.Version)
	}
	if err := l.nodesOf(take, of, args...); err != nil || q.Partition != "" {
		return ids, err
	}
	path, digest := lineage.SplitFile(q.Name)
	err = l.nodesOf(take, `FROM lineage_nodes n WHERE n.dataset = '' AND n.name = ? AND n.sha256 >= ? AND n.sha256 < ? || char(1114111)`, path, digest, digest)
	return ids, err
}

// follow reads what is beyond some nodes, a step at a time.
func (l *lineageReader) follow(ids []int64, depth int, by string, next func(edge) int64) error {
	seen := map[int64]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	for ; depth != 0 && len(ids) > 0; depth-- {
		if much, err := l.much(); err != nil {
			return err
		} else if much {
			return l.followWhole(ids, seen, depth, by, next)
		}
		var beyond []int64
		for some := range slices.Chunk(ids, 10000) {
			if err := l.edgesOf(func(e edge) {
				if n := next(e); !seen[n] {
					seen[n] = true
					beyond = append(beyond, n)
				}
			}, `FROM lineage_edges WHERE `+by+` IN (SELECT value FROM json_each(?))`, list(some)); err != nil {
				return err
			}
		}
		if err := l.load(beyond); err != nil {
			return err
		}
		ids = beyond
	}
	return nil
}

// load reads nodes by their numbers.
func (l *lineageReader) load(ids []int64) error {
	for some := range slices.Chunk(ids, 10000) {
		if err := l.nodesOf(nil, `FROM lineage_nodes n WHERE n.id IN (SELECT value FROM json_each(?))`, list(some)); err != nil {
			return err
		}
	}
	return nil
}

// siblings reads the other versions of the partitions of those that were read.
func (l *lineageReader) siblings() error {
	much, err := l.much()
	if err == nil && much {
		err = l.readWhole()
	}
	if err != nil {
		return err
	}
	if l.whole != nil {
		l.whole.siblings(l.nodes)
		return nil
	}
	var ids []int64
	for id, r := range l.nodes {
		if r.dataset != "" {
			ids = append(ids, id)
		}
	}
	for some := range slices.Chunk(ids, 10000) {
		if err := l.nodesOf(nil, `FROM lineage_nodes o JOIN lineage_nodes n ON n.dataset = o.dataset AND n.name = o.name AND n.id <> o.id
			WHERE o.id IN (SELECT value FROM json_each(?))`, list(some)); err != nil {
			return err
		}
	}
	return nil
}

// list is numbers as JSON, for json_each.
func list(ids []int64) string { return strings.ReplaceAll(fmt.Sprint(ids), " ", ",") }

func (l *lineageReader) nodesOf(each func(*nodeRow), from string, args ...any) error {
	return eachNode(l.ctx, l.s, func(r *nodeRow) {
		l.nodes[r.id] = r
		if each != nil {
			each(r)
		}
	}, from, args...)
}

func eachNode(ctx context.Context, q querier, each func(*nodeRow), from string, args ...any) error {
	own := &summer{}
	return eachRow(ctx, q, func(scan func(...any) error) error {
		r, sum := &nodeRow{}, int64(0)
		if err := scan(&r.id, &r.dataset, &r.name, &r.version, &r.sha, &r.fact, &r.flow, &r.published, &r.rows, &r.bytes, &r.seconds, &sum); err != nil {
			return err
		}
		if r.sumBy(own) != sum {
			return errSum
		}
		each(r)
		return nil
	}, `SELECT `+nodeColumns+` `+from, args...)
}

func (l *lineageReader) edgesOf(each func(edge), from string, args ...any) error {
	return eachEdge(l.ctx, l.s, func(e edge) {
		l.edges = append(l.edges, e)
		each(e)
	}, from, args...)
}

func eachEdge(ctx context.Context, q querier, each func(edge), from string, args ...any) error {
	own := &summer{}
	var e edge
	var kind, sum int64
	into := []any{&e.read, &e.made, &kind, &sum}
	return eachRow(ctx, q, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		if e.kind = edgeKind(kind); e.sumBy(own) != sum {
			return errSum
		}
		each(e)
		return nil
	}, `SELECT read, made, kind, sum `+from, args...)
}

// eachRow reads the rows of an answer.
func eachRow(ctx context.Context, q querier, each func(scan func(...any) error) error, text string, args ...any) error {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// result turns rows into what they stand for.
func (l *lineageReader) result() ([]*lineage.Made, error) {
	var all []*lineage.Made
	flows, err := l.flows()
	if err != nil {
		return nil, l.s.broken(err)
	}
	of := make(map[int64]*lineage.Made, len(l.nodes))
	for id, r := range l.nodes {
		if r.fact == "" {
			continue
		}
		m, err := r.made(flows[r.flow])
		if err != nil {
			return nil, l.s.broken(err)
		}
		all, of[id] = append(all, m), m
	}
	for i := 0; i < len(l.edges); { // those of a version mostly follow each other
		n := i
		for n < len(l.edges) && l.edges[n].made == l.edges[i].made {
			n++
		}
		if err := l.inputs(of[l.edges[i].made], l.edges[i:n]); err != nil {
			return nil, l.s.broken(err)
		}
		i = n
	}
	for _, m := range all {
		m.Sort()
	}
	return all, nil
}

// inputs notes what edges say of a version.
func (l *lineageReader) inputs(made *lineage.Made, edges []edge) error {
	if made == nil {
		return errLineage(edges[0].made)
	}
	made.Inputs = slices.Grow(made.Inputs, len(edges))
	for _, e := range edges {
		read := l.nodes[e.read]
		if read == nil {
			return errLineage(e.read)
		}
		n := read.node()
		if e.kind != readAgain {
			made.Inputs = append(made.Inputs, n)
		}
		switch e.kind {
		case readAgain:
			made.Same = append(made.Same, n)
		case lapsed:
			made.Without = append(made.Without, n)
		}
	}
	return nil
}

func (r *nodeRow) node() lineage.Node {
	if r.dataset == "" {
		return lineage.Node{File: r.name, SHA256: r.sha}
	}
	return lineage.Node{Dataset: r.dataset, Partition: r.name, Version: r.version}
}

func (r *nodeRow) made(f *lineage.Flow) (*lineage.Made, error) {
	m := &lineage.Made{}
	if err := json.Unmarshal([]byte(r.fact), m); err != nil {
		return nil, err
	}
	m.Dataset, m.Partition, m.Version, m.Rows, m.Bytes, m.Seconds = r.dataset, r.name, r.version, r.rows, r.bytes, r.seconds
	if f != nil {
		m.Pipeline, m.Stage, m.Stages = f.Pipeline, f.Stage, f.Stages
	}
	var err error
	m.Published, err = time.Parse(timeLayout, r.published)
	return m, err
}

// flows are those that the versions were made by, by their numbers.
func (l *lineageReader) flows() (map[int64]*lineage.Flow, error) {
	wanted := map[int64]bool{}
	for _, r := range l.nodes {
		wanted[r.flow] = true
	}
	return l.s.flows(l.ctx, `WHERE id IN (SELECT value FROM json_each(?))`, list(slices.Collect(maps.Keys(wanted))))
}

// checkLineage compares the checksums of all that lineage goes by.
func (s *Store) checkLineage(ctx context.Context) error {
	if err := eachNode(ctx, s, func(*nodeRow) {}, `FROM lineage_nodes n`); err != nil {
		return err
	}
	if err := eachEdge(ctx, s, func(edge) {}, `FROM lineage_edges`); err != nil {
		return err
	}
	_, err := s.flows(ctx, "")
	return err
}
