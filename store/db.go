package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// DB is a SQL database, spoken to through bun. It is safe for concurrent use.
// Drivers make it; owners of tables call Migrate once and then Query and InTx.
type DB struct {
	bun *bun.DB
	// writer holds one token where the database lets one writer in at a time.
	// Waiting here honours contexts and is fair; waiting in the engine is not.
	writer chan struct{}
}

// NewDB wraps an open database. oneWriter says that the engine takes one
// writing transaction at a time.
func NewDB(db *bun.DB, oneWriter bool) *DB {
	d := &DB{bun: db}
	if oneWriter {
		d.writer = make(chan struct{}, 1)
	}
	return d
}

// Close closes the database. Transactions that run are rolled back.
func (db *DB) Close() error { return db.bun.Close() }

// txKey finds the transaction of one DB in a context.
type txKey struct{ db *DB }

// Query returns what to send statements to: the transaction that ctx carries,
// or the database itself.
func (db *DB) Query(ctx context.Context) bun.IDB {
	if tx, ok := ctx.Value(txKey{db}).(bun.Tx); ok {
		return tx
	}
	return db.bun
}

// InTx runs fn in a transaction, which the context given to fn carries: calls
// of Query and InTx with that context join it. The outermost InTx commits when
// fn returns nil and rolls back when it returns an error or panics. fn must
// not outlive the call, and must use its context for every statement:
// a statement on another context would wait for the transaction to end.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if _, joined := ctx.Value(txKey{db}).(bun.Tx); joined {
		return fn(ctx)
	}
	if db.writer != nil {
		select {
		case db.writer <- struct{}{}:
			defer func() { <-db.writer }()
		case <-ctx.Done():
			return fmt.Errorf("begin transaction: %w", ctx.Err())
		}
	}
	return db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		return fn(context.WithValue(ctx, txKey{db}, tx))
	})
}

// ownerName is what an owner may be called: it becomes part of a table's name.
var ownerName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// Migrate brings the tables of owner to the newest of its migrations: SQL files
// named NNNNN_what.sql in goose's format, in the top folder of migrations. They
// must run on every supported database. Each runs in its own transaction and
// is recorded in the table migrations_OWNER. It may be called by several
// processes at once. A database that a newer program has migrated further is
// an error.
func (db *DB) Migrate(ctx context.Context, owner string, migrations fs.FS) error {
	if !ownerName.MatchString(owner) {
		return fmt.Errorf("migrate %q: want lower-case letters, digits and underscores", owner)
	}
	if db.writer != nil {
		select {
		case db.writer <- struct{}{}:
			defer func() { <-db.writer }()
		case <-ctx.Done():
			return fmt.Errorf("migrate %s: %w", owner, ctx.Err())
		}
	}
	kind := goose.DialectSQLite3
	if db.bun.Dialect().Name() == dialect.PG {
		kind = goose.DialectPostgres
	}
	p, err := goose.NewProvider(kind, db.bun.DB, migrations, goose.WithTableName("migrations_"+owner), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", owner, err)
	}
	// Another process may be doing the same. Whoever comes second fails on a
	// table that exists, and finds nothing left to do when it looks again.
	for try := 0; ; try++ {
		if _, err = p.Up(ctx); err == nil || try == 3 || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", owner, err)
	}
	sources := p.ListSources()
	version, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", owner, err)
	}
	if newest := sources[len(sources)-1].Version; version > newest {
		return fmt.Errorf("migrate %s: the database has version %d of these tables and this program knows %d: use a newer program", owner, version, newest)
	}
	return nil
}

// NoRows turns sql.ErrNoRows into ErrNotFound and leaves other errors alone.
func NoRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
