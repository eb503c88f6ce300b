package local_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/job/jobtest"
	"github.com/troikaml/troika/job/local"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

func openDB(t *testing.T, dir, name string) *store.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, name+".db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestRunner(t *testing.T) {
	dir := t.TempDir()
	jobtest.Runner(t,
		func(t *testing.T, name string) *store.DB { return openDB(t, dir, strings.ReplaceAll(name, "/", "-")) },
		func(t *testing.T, c jobtest.Config) func() {
			r, err := local.Open(t.Context(), local.Options{
				Dir: c.Dir, Store: c.Store, Handlers: c.Handlers, Admitter: c.Admitter, Parallel: c.Parallel,
				Lease: 5 * time.Second, Poll: 50 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
			done := make(chan struct{})
			go func() {
				defer close(done)
				r.Run(ctx)
			}()
			return func() {
				cancel()
				<-done
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		})
}

func TestOneRunnerAFolder(t *testing.T) {
	dir := t.TempDir()
	s, err := job.Open(t.Context(), openDB(t, dir, "troika"))
	if err != nil {
		t.Fatal(err)
	}
	o := local.Options{Dir: dir, Store: s}
	r, err := local.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(t.Context(), o); !errors.Is(err, local.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second runner: %v, want ErrLocked and the folder", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = local.Open(t.Context(), o); err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(t.Context(), local.Options{Dir: filepath.Join(dir, "none"), Store: s}); err == nil {
		t.Error("a folder that is not there was opened")
	}
}
