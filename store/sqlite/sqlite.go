package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/troikaml/troika/store"
)

// maxConns bounds the connections: one writes at a time, the others read.
const maxConns = 8

// Open opens the database in the file name and makes the file if it is not
// there; its folder must exist. The caller closes the database.
func Open(ctx context.Context, name string) (*store.DB, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", name, err)
	}
	db, err := sql.Open("sqlite", dsn(filepath.ToSlash(abs)))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", name, err)
	}
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open database %s: %w", name, err)
	}
	return store.NewDB(bun.NewDB(db, sqlitedialect.New()), true), nil
}

// dsn returns the address of a file by its absolute path with slashes.
// Transactions take the write lock when they begin: one that first reads and
// then writes could otherwise fail in the middle.
func dsn(abs string) string {
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // C:/x: file:///C:/x
	}
	options := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
	}
	return "file://" + (&url.URL{Path: abs}).EscapedPath() + "?" + options.Encode()
}
