package job_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/troikaml/troika/job/jobtest"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

func TestRecord(t *testing.T) {
	dir := t.TempDir()
	jobtest.Record(t, func(t *testing.T, name string) *store.DB {
		t.Helper()
		db, err := sqlite.Open(t.Context(), filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	})
}
