package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/penstock-data/penstock/internal/faults"
)

// writer brings changes to the index. SQLite takes one writer at a time, and a commit costs a
// sync whatever is in it: so those who come while another commits wait, and one of them takes
// all of their changes along. There are as many changes at once as there are callers.
type writer struct {
	turn sync.Mutex // held by who commits

	mu      sync.Mutex
	waiting []*change
	texts   map[string]*sql.Stmt
}

// change is what somebody wants written.
type change struct {
	ctx  context.Context
	do   func(*Changes) error
	done chan error // gets one value
}

// Change makes the changes that do asks for: all of them, or none, once it returns. An error of
// do is given as it is, and nothing is changed. Where it comes together with others, of which one
// fails, do is called again.
func (s *Store) Change(ctx context.Context, do func(*Changes) error) error {
	c := &change{ctx, do, make(chan error, 1)}
	s.mu.Lock()
	s.waiting = append(s.waiting, c)
	s.mu.Unlock()
	s.turn.Lock()
	defer s.turn.Unlock()
	select {
	case err := <-c.done: // somebody took it along
		return err
	default:
	}
	s.mu.Lock()
	all := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	s.commit(all)
	return <-c.done
}

// commit writes changes in one transaction; if one of them can't be written, each in its own,
// so that it harms no other.
func (s *Store) commit(all []*change) {
	if len(all) > 1 && s.transact(context.Background(), all) == nil {
		for _, c := range all {
			c.done <- nil
		}
		return
	}
	for _, c := range all {
		c.done <- s.transact(c.ctx, []*change{c})
	}
}

func (s *Store) transact(ctx context.Context, all []*change) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.broken(err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit a no-op
	for _, c := range all {
		if err := errors.Join(c.ctx.Err(), c.do(&Changes{s, tx})); err != nil {
			return s.broken(err)
		}
	}
	if err := faults.Step("commit index", tx.Commit); err != nil {
		return s.broken(err)
	}
	return nil
}

// Changes are a transaction, in which statements are prepared once and for all. Whether the one
// who wants them still waits is asked before, and not in the middle of them.
type Changes struct {
	s  *Store
	tx *sql.Tx
}

func (c *Changes) exec(text string, args ...any) (sql.Result, error) {
	stmt, err := c.s.prepared(text)
	if err != nil {
		return nil, err
	}
	return c.tx.StmtContext(context.Background(), stmt).ExecContext(context.Background(), args...)
}

// QueryContext implements querier.
func (c *Changes) QueryContext(_ context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := c.s.prepared(text)
	if err != nil {
		return nil, err
	}
	return c.tx.StmtContext(context.Background(), stmt).QueryContext(context.Background(), args...)
}

// prepared gives a statement, which is parsed once for each connection.
func (s *Store) prepared(text string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.texts[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.db.Prepare(text)
	if err != nil {
		return nil, err
	}
	s.texts[text] = stmt
	return stmt, nil
}

// row is an answer of one row.
type row interface{ Scan(...any) error }

type noRow struct{ error }

func (r noRow) Scan(...any) error { return r.error }

// QueryContext implements querier, by a prepared statement.
func (s *Store) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// one asks for one row by a prepared statement.
func (s *Store) one(ctx context.Context, text string, args ...any) row {
	stmt, err := s.prepared(text)
	if err != nil {
		return noRow{err}
	}
	return stmt.QueryRowContext(ctx, args...)
}
