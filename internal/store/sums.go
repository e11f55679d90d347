package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
)

// SQLite tells a page that is no page, but takes any value for good. So each row has a
// checksum of its values, which is compared when the row is read.

// currentSum is added to the checksum of the version that is current, so that another can
// become current without the manifest of this one being read.
const currentSum = "1099511627776"

// plainSum is the checksum of a version without that.
const plainSum = "sum - current * " + currentSum

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// summer puts the values of a row together. Texts carry their length, so that no two rows look
// the same.
type summer struct{ buf []byte }

func (s *summer) text(texts ...string) *summer {
	for _, t := range texts {
		s.buf = binary.AppendUvarint(s.buf, uint64(len(t)))
		s.buf = append(s.buf, t...)
	}
	return s
}

func (s *summer) number(numbers ...int64) *summer {
	for _, n := range numbers {
		s.buf = binary.LittleEndian.AppendUint64(s.buf, uint64(n))
	}
	return s
}

func (s *summer) float(f float64) *summer { return s.number(int64(math.Float64bits(f))) }

func (s *summer) sum() int64 { return int64(crc32.Checksum(s.buf, castagnoli)) }

// errSum says that a row is not what was written.
var errSum = errors.New("the checksum of a row is wrong")

// check compares the checksum of a row. One from before there were any has none.
func (s *summer) check(sum sql.NullInt64) error {
	if sum.Valid && sum.Int64 != s.sum() {
		return errSum
	}
	return nil
}

// checkedSize is up to how many bytes an index is looked at as a whole when it is opened, which
// then takes less than a tenth of a second. What is read of a larger one is checked as it is
// read; a row that is not found there is one of which nothing is known: then manifests are
// asked. So no publish rests on the index alone, however it is damaged.
const checkedSize = 8 << 20

// checkSmall looks at the whole of an index that is small.
func (s *Store) checkSmall(ctx context.Context) error {
	if info, err := os.Stat(s.path); err != nil || info.Size() > checkedSize {
		return err
	}
	return s.check(ctx)
}

// Check looks at every page and every row of the index.
func (s *Store) Check(ctx context.Context) error {
	if err := s.check(ctx); err != nil {
		return s.broken(err)
	}
	return nil
}

func (s *Store) check(ctx context.Context) error {
	var verdict string
	if err := s.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%s", verdict)
	}
	for _, texts := range []struct{ sum, columns, table string }{
		{"sum", runColumns, "runs"}, {plainSum, versionColumns, "versions"}, {"sum", textColumns, "basis_texts"},
	} {
		if err := eachText(ctx, s, texts.sum, texts.columns, "FROM "+texts.table, func(string) error { return nil }); err != nil {
			return err
		}
	}
	return errors.Join(eachBase(ctx, s, func(*baseRow) error { return nil }, ""), s.checkLineage(ctx))
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Columns of tables of texts and whole numbers; the last one is JSON.
const (
	runColumns     = "run, pipeline, partition, status, started, backfill, record"
	versionColumns = "dataset, partition, version, run, digest, manifest"
	textColumns    = "pipeline, stage, partition, basis"
)

// eachText reads rows of a table of texts, compares their checksums and gives the last column of
// each.
func eachText(ctx context.Context, q querier, sum, columns, rest string, each func(last string) error, args ...any) error {
	rows, err := q.QueryContext(ctx, "SELECT "+sum+", "+columns+" "+rest, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	var want sql.NullInt64
	values, into := make([]string, len(names)-1), []any{&want}
	for i := range values {
		into = append(into, &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := new(summer).text(values...).check(want); err != nil {
			return err
		}
		if err := each(values[len(values)-1]); err != nil {
			return err
		}
	}
	return rows.Err()
}
