package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/troikaml/troika/store"
)

// migrations are two steps of a table of notes.
var migrations = fstest.MapFS{
	"00001_notes.sql": {Data: []byte("-- +goose Up\nCREATE TABLE notes (id BIGINT PRIMARY KEY, body TEXT NOT NULL);\n")},
	"00002_stars.sql": {Data: []byte("-- +goose Up\nALTER TABLE notes ADD COLUMN stars BIGINT NOT NULL DEFAULT 0;\n")},
}

// DB runs the contract of [store.DB] against databases that open makes. The
// second argument tells databases apart: the same name opens the same one
// again, as another process would. Tests of one name do not run in parallel.
func DB(t *testing.T, open func(t *testing.T, name string) *store.DB) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func(*testing.T, string) *store.DB){
		"commit and roll back": dbTransactions,
		"nested joins":         dbNested,
		"panic rolls back":     dbPanic,
		"migrations":           dbMigrations,
		"many writers":         dbWriters,
		"cancelled":            dbCancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

func notes(t *testing.T, open func(*testing.T, string) *store.DB) *store.DB {
	t.Helper()
	db := open(t, t.Name())
	if err := db.Migrate(t.Context(), "notes", migrations); err != nil {
		t.Fatal(err)
	}
	return db
}

func insert(ctx context.Context, db *store.DB, id int) error {
	_, err := db.Query(ctx).NewRaw("INSERT INTO notes (id, body) VALUES (?, ?)", id, fmt.Sprint("note ", id)).Exec(ctx)
	return err
}

func count(t *testing.T, db *store.DB) int {
	t.Helper()
	var n int
	if err := db.Query(t.Context()).NewRaw("SELECT count(*) FROM notes").Scan(t.Context(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func dbTransactions(t *testing.T, open func(*testing.T, string) *store.DB) {
	db := notes(t, open)
	if err := db.InTx(t.Context(), func(ctx context.Context) error { return insert(ctx, db, 1) }); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("on second thoughts")
	err := db.InTx(t.Context(), func(ctx context.Context) error {
		if err := insert(ctx, db, 2); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatalf("InTx: %v, want the function's error", err)
	}
	if n := count(t, db); n != 1 {
		t.Fatalf("%d notes, want the 1 that was committed", n)
	}
	again := open(t, t.Name())
	if n := count(t, again); n != 1 {
		t.Fatalf("%d notes when opened again, want 1", n)
	}
}

func dbNested(t *testing.T, open func(*testing.T, string) *store.DB) {
	db := notes(t, open)
	failed := errors.New("outer fails")
	err := db.InTx(t.Context(), func(ctx context.Context) error {
		if err := db.InTx(ctx, func(ctx context.Context) error { return insert(ctx, db, 1) }); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if n := count(t, db); n != 0 {
		t.Fatalf("%d notes, want none: the inner transaction is part of the outer one", n)
	}
}

func dbPanic(t *testing.T, open func(*testing.T, string) *store.DB) {
	db := notes(t, open)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.InTx(t.Context(), func(ctx context.Context) error {
			_ = insert(ctx, db, 1)
			panic("bug")
		})
	}()
	if err := db.InTx(t.Context(), func(ctx context.Context) error { return insert(ctx, db, 2) }); err != nil {
		t.Fatalf("after a panic: %v", err)
	}
	if n := count(t, db); n != 1 {
		t.Fatalf("%d notes, want 1", n)
	}
}

func dbMigrations(t *testing.T, open func(*testing.T, string) *store.DB) {
	first := fstest.MapFS{"00001_notes.sql": migrations["00001_notes.sql"]}
	db := open(t, t.Name())
	if err := db.Migrate(t.Context(), "notes", first); err != nil {
		t.Fatal(err)
	}
	if err := insert(t.Context(), db, 1); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := db.Migrate(t.Context(), "notes", migrations); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db); n != 1 {
		t.Fatalf("a migration lost rows: %d, want 1", n)
	}
	other := fstest.MapFS{"00001_other.sql": {Data: []byte("-- +goose Up\nCREATE TABLE other (id BIGINT PRIMARY KEY);\n")}}
	if err := db.Migrate(t.Context(), "other", other); err != nil {
		t.Fatalf("a second owner: %v", err)
	}
	if err := db.Migrate(t.Context(), "notes", first); err == nil {
		t.Fatal("an older program accepted newer tables")
	}
	broken := fstest.MapFS{"00001_broken.sql": {Data: []byte("-- +goose Up\nCREATE TABEL x;\n")}}
	if err := db.Migrate(t.Context(), "broken", broken); err == nil {
		t.Fatal("a broken migration passed")
	}
	if err := db.Migrate(t.Context(), "Robert'); DROP", other); err == nil {
		t.Fatal("a bad owner name passed")
	}
	var wg sync.WaitGroup
	for range 4 {
		again := open(t, t.Name()+"-race")
		wg.Go(func() {
			if err := again.Migrate(t.Context(), "notes", migrations); err != nil {
				t.Errorf("at once with others: %v", err)
			}
		})
	}
	wg.Wait()
}

func dbWriters(t *testing.T, open func(*testing.T, string) *store.DB) {
	one := notes(t, open)
	dbs := []*store.DB{one, open(t, t.Name())}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			db := dbs[w%2]
			for i := range 10 {
				err := db.InTx(t.Context(), func(ctx context.Context) error {
					var n int // read, then write: both in one transaction
					if err := db.Query(ctx).NewRaw("SELECT count(*) FROM notes").Scan(ctx, &n); err != nil {
						return err
					}
					return insert(ctx, db, n)
				})
				if err != nil {
					t.Errorf("writer %d, note %d: %v", w, i, err)
				}
			}
		})
	}
	wg.Wait()
	if n := count(t, one); n != 80 {
		t.Fatalf("%d notes, want 80", n)
	}
}

func dbCancelled(t *testing.T, open func(*testing.T, string) *store.DB) {
	db := notes(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var err error
	held := db.InTx(t.Context(), func(context.Context) error { // another writer waits for this one
		err = db.InTx(ctx, func(context.Context) error { return errors.New("ran") })
		return nil
	})
	if held != nil || !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled wait: %v, want context.Canceled", err)
	}
}
