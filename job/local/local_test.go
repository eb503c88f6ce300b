package local_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
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

// TestEndIsRecorded has the database refuse to record how a job ended, as a
// full disk makes it: the work is not lost, and not done again.
func TestEndIsRecorded(t *testing.T) {
	db := openDB(t, t.TempDir(), "troika")
	s, err := job.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	sql := func(statement string) {
		t.Helper()
		if _, err := db.Query(t.Context()).NewRaw(statement).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sql("CREATE TRIGGER full BEFORE UPDATE ON job_jobs WHEN NEW.state = 'succeeded' BEGIN SELECT RAISE(ABORT, 'full'); END")
	var log logBuffer
	r, err := local.Open(t.Context(), local.Options{
		Dir: t.TempDir(), Store: s, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Handlers: map[string]job.Handler{"quick": func(context.Context, *job.Run) error { return nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	j, err := s.Submit(t.Context(), "", job.Spec{Kind: "quick"})
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(log.String(), "cannot record how a job ended") {
		<-tick.C
	}
	if now := get(t, s, j.ID); now.State != job.Running || now.Lease.Owner == "" {
		t.Errorf("the job is %s", now.State)
	}
	sql("DROP TRIGGER full")
	for get(t, s, j.ID).State != job.Succeeded {
		<-tick.C
	}
	cancel()
	<-done
	if now := get(t, s, j.ID); now.Lease.Token != 1 {
		t.Errorf("the job ran %d times", now.Lease.Token)
	}
}

// logBuffer is a bytes.Buffer for several goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
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
