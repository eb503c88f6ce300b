package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
	"github.com/troikaml/troika/store/storetest"
)

func TestDB(t *testing.T) {
	dir := t.TempDir()
	storetest.DB(t, func(t *testing.T, name string) *store.DB {
		t.Helper()
		db, err := sqlite.Open(t.Context(), filepath.Join(dir, strings.ReplaceAll(name, "/", " #?%")+".db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	})
}

func TestPragmas(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "busy_timeout": "10000", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := db.Query(t.Context()).NewRaw("PRAGMA "+pragma).Scan(t.Context(), &got); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", pragma, got, err, want)
		}
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(name, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err := sqlite.Open(t.Context(), name); err == nil {
		db.Close()
		t.Fatal("a text file was opened as a database")
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := sqlite.Open(ctx, filepath.Join(dir, "troika.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	err = db.InTx(ctx, func(ctx context.Context) error {
		var sum int
		err := db.Query(ctx).NewRaw("SELECT ? + ?", 40, 2).Scan(ctx, &sum)
		fmt.Println(sum)
		return err
	})
	fmt.Println(err)
	// Output:
	// 42
	// <nil>
}

func BenchmarkOpen(b *testing.B) {
	name := filepath.Join(b.TempDir(), "x.db")
	for b.Loop() {
		db, err := sqlite.Open(b.Context(), name)
		if err != nil {
			b.Fatal(err)
		}
		db.Close()
	}
}
