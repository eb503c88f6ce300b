package job

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the record of all jobs. It is safe for concurrent use, by several
// processes where the database is. Its methods join the transaction that their
// context carries.
type Store struct {
	db *store.DB

	mu      sync.Mutex
	changed chan struct{}
}

// Open returns the jobs in db and makes their tables if need be.
func Open(ctx context.Context, db *store.DB) (*Store, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	if err := db.Migrate(ctx, "job", sub); err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	return &Store{db: db, changed: make(chan struct{})}, nil
}

// Changed returns a channel that is closed when a job next gets an event, which
// every change of a state is, through this Store. Take it before looking at what it is about. It saves
// waiting and is no promise: changes by other processes do not close it, and
// one within the caller's transaction closes it before that commits, so look
// now and then as well.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *Store) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Submit records a job. Where key is not empty and the party of the spec has
// submitted under it before, that job is returned, or [ErrConflict] if its
// spec has another digest. What the submitter has to tell of a new job follows
// the event that it is queued.
func (s *Store) Submit(ctx context.Context, key string, spec Spec, tell ...Event) (Job, error) {
	j, err := s.submit(ctx, key, spec, tell)
	if err != nil {
		return Job{}, fmt.Errorf("submit job: %w", err)
	}
	s.notify()
	return j, nil
}

func (s *Store) submit(ctx context.Context, key string, spec Spec, tell []Event) (Job, error) {
	if !validName(key) {
		return Job{}, fmt.Errorf("key %.80q: want %s", key, nameRule)
	}
	spec, err := spec.Canonical()
	if err != nil {
		return Job{}, err
	}
	digest, err := spec.Digest()
	if err != nil {
		return Job{}, err
	}
	text, err := marshal(spec)
	if err != nil {
		return Job{}, err
	}
	events, err := submission(tell)
	if err != nil {
		return Job{}, err
	}
	row := jobRow{
		ID: strings.ToLower(rand.Text()), Party: spec.Use.Party, Key: key, Kind: spec.Kind,
		Digest: digest.String(), Spec: string(text), State: string(Queued), Events: int64(len(events)), Revision: 1,
	}
	if key == "" {
		row.Key = row.ID
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		// Ascending even where the clock is not: the order of the queue.
		var newest int64
		err := s.db.Query(ctx).NewSelect().Model((*jobRow)(nil)).ColumnExpr("COALESCE(MAX(created_at), 0)").Scan(ctx, &newest)
		if err != nil {
			return err
		}
		row.CreatedAt = max(time.Now().UnixMicro(), newest+1)
		res, err := s.db.Query(ctx).NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return s.submitted(ctx, &row)
		}
		for i, e := range events {
			if err := s.insert(ctx, row.ID, int64(i+1), row.CreatedAt, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Job{}, err
	}
	return row.job()
}

// submission returns the first events of a new job.
func submission(tell []Event) ([]Event, error) {
	data, err := marshal(Change{To: Queued})
	if err != nil {
		return nil, err
	}
	events := []Event{{Level: LevelInfo, Kind: KindState, Message: "the job is queued", Data: data}}
	for _, e := range tell {
		if e, err = e.check(); err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// submitted replaces row by the one that has its party and key.
func (s *Store) submitted(ctx context.Context, row *jobRow) error {
	var was jobRow
	err := s.db.Query(ctx).NewSelect().Model(&was).Where("party = ? AND submit_key = ?", row.Party, row.Key).Scan(ctx)
	if err != nil {
		return store.NoRows(err)
	}
	if was.Digest != row.Digest {
		return fmt.Errorf("key %q: job %s has %s, this is %s: %w", row.Key, was.ID, was.Digest, row.Digest, ErrConflict)
	}
	*row = was
	return nil
}

// Get returns a job, or an error that wraps [store.ErrNotFound].
func (s *Store) Get(ctx context.Context, id string) (Job, error) {
	row, err := s.row(ctx, id)
	if err != nil {
		return Job{}, fmt.Errorf("get job %s: %w", id, err)
	}
	return row.job()
}

func (s *Store) row(ctx context.Context, id string) (jobRow, error) {
	var row jobRow
	err := s.db.Query(ctx).NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	return row, store.NoRows(err)
}

// errSame says that there is nothing to change.
var errSame = errors.New("nothing to change")

// change is the one way by which a job changes: fn edits the row and returns
// the events that tell of it, all in one transaction. The first update locks
// the row in databases that let several writers in.
func (s *Store) change(ctx context.Context, id string, fn func(r *jobRow, now int64) ([]Event, error)) (Job, error) {
	var row jobRow
	var told bool
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		err := s.db.Query(ctx).NewUpdate().Model((*jobRow)(nil)).Set("revision = revision + 1").
			Where("id = ?", id).Returning("*").Scan(ctx, &row)
		if err != nil {
			return store.NoRows(err)
		}
		now := time.Now().UnixMicro()
		events, err := fn(&row, now)
		if err != nil {
			return err
		}
		for _, e := range events {
			if there, err := s.hasEvent(ctx, id, e.Key); err != nil {
				return err
			} else if there {
				continue
			}
			row.Events++
			told = true
			if err := s.insert(ctx, id, row.Events, now, e); err != nil {
				return err
			}
		}
		_, err = s.db.Query(ctx).NewUpdate().Model(&row).WherePK().Exec(ctx)
		return err
	})
	switch {
	case errors.Is(err, errSame):
		return row.job()
	case err != nil:
		return Job{}, err
	}
	if told {
		s.notify()
	}
	return row.job()
}

// moveTo returns a change for change: to a state, unless the job is in one of
// same already.
func moveTo(next State, code, reason string, same ...State) func(*jobRow, int64) ([]Event, error) {
	return func(r *jobRow, now int64) ([]Event, error) {
		for _, state := range same {
			if r.State == string(state) {
				return nil, errSame
			}
		}
		e, err := r.move(next, now, code, reason)
		return []Event{e}, err
	}
}

// Codes of jobs that are in their state by somebody's wish.
const (
	CodeCancelled = "cancelled"
	CodePaused    = "paused"
)

// Cancel ends a job. A run that is under way is told to stop; what it still
// says does not count. Cancelling again does nothing; a job that has ended
// otherwise gives [ErrState].
func (s *Store) Cancel(ctx context.Context, id, reason string) (Job, error) {
	j, err := s.change(ctx, id, moveTo(Cancelled, CodeCancelled, reason, Cancelled))
	if err != nil {
		return Job{}, fmt.Errorf("cancel job %s: %w", id, err)
	}
	return j, nil
}

// Pause holds a job until Resume. A run that is under way is told to save what
// it has and stop. Pausing again does nothing; a job that is over gives
// [ErrState].
func (s *Store) Pause(ctx context.Context, id, reason string) (Job, error) {
	j, err := s.change(ctx, id, moveTo(Paused, CodePaused, reason, Paused))
	if err != nil {
		return Job{}, fmt.Errorf("pause job %s: %w", id, err)
	}
	return j, nil
}

// Resume puts a paused job back into its place in the queue. Where it is queued
// or running already nothing happens; a job that is over gives [ErrState].
func (s *Store) Resume(ctx context.Context, id string) (Job, error) {
	j, err := s.change(ctx, id, moveTo(Queued, "", "", Queued, Running))
	if err != nil {
		return Job{}, fmt.Errorf("resume job %s: %w", id, err)
	}
	return j, nil
}

// insert appends an event under a number that the job's row has counted.
func (s *Store) insert(ctx context.Context, id string, number, now int64, e Event) error {
	row := eventRow{
		JobID: id, Number: number, At: now, Level: string(e.Level), Kind: e.Kind, Message: e.Message, Data: string(e.Data),
	}
	row.Key.String, row.Key.Valid = e.Key, e.Key != ""
	_, err := s.db.Query(ctx).NewInsert().Model(&row).Exec(ctx)
	return err
}

// hasEvent reports whether the job has an event with this key, if it is one.
func (s *Store) hasEvent(ctx context.Context, id, key string) (bool, error) {
	if key == "" {
		return false, nil
	}
	return s.db.Query(ctx).NewSelect().Model((*eventRow)(nil)).Where("job_id = ? AND event_key = ?", id, key).Exists(ctx)
}

// inStates adds a condition on the state to a query.
func inStates(q *bun.SelectQuery, states []State) *bun.SelectQuery {
	if len(states) == 0 {
		return q
	}
	return q.Where("state IN (?)", bun.List(states))
}
