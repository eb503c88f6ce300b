package job

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika/store"
)

// Sizes of pages.
const (
	defaultPage = 20
	maxPage     = 1000
)

// Query selects jobs. Zero fields select all.
type Query struct {
	Kinds  []string
	States []State
	Party  *string // "" for jobs of nobody
	// After is the ID of the last job of the page before.
	After string
	// Limit is the size of the page, 20 where it is 0, at most 1000.
	Limit int
}

// List returns a page of the jobs that q selects, newest first, and whether
// there are more. An After that is no job is [store.ErrNotFound].
func (s *Store) List(ctx context.Context, q Query) ([]Job, bool, error) {
	limit, err := pageSize(q.Limit)
	if err != nil {
		return nil, false, fmt.Errorf("list jobs: %w", err)
	}
	var rows []jobRow
	sel := inStates(s.db.Query(ctx).NewSelect().Model(&rows), q.States).Order("created_at DESC", "id DESC").Limit(int64(limit) + 1)
	if len(q.Kinds) > 0 {
		sel.Where("kind IN (?)", bun.List(q.Kinds))
	}
	if q.Party != nil {
		sel.Where("party = ?", *q.Party)
	}
	if q.After != "" {
		after, err := s.row(ctx, q.After)
		if err != nil {
			return nil, false, fmt.Errorf("list jobs after %s: %w", q.After, err)
		}
		sel.Where("created_at < ? OR created_at = ? AND id < ?", after.CreatedAt, after.CreatedAt, after.ID)
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, false, fmt.Errorf("list jobs: %w", err)
	}
	rows, more := page(rows, limit)
	jobs, err := jobsOf(rows)
	return jobs, more, err
}

// Waiting returns the jobs of these kinds that can be acquired now, at most
// limit of them, oldest first.
func (s *Store) Waiting(ctx context.Context, kinds []string, limit int) ([]Job, error) {
	var rows []jobRow
	if len(kinds) == 0 {
		return nil, nil
	}
	err := inStates(s.db.Query(ctx).NewSelect().Model(&rows), []State{Queued}).Where("kind IN (?)", bun.List(kinds)).
		Where("owner = '' OR expires_at <= ?", time.Now().UnixMicro()).Order("created_at", "id").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list waiting jobs: %w", err)
	}
	return jobsOf(rows)
}

func jobsOf(rows []jobRow) ([]Job, error) {
	jobs := make([]Job, len(rows))
	for i := range rows {
		var err error
		if jobs[i], err = rows[i].job(); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

// EventQuery selects a page of a job's events.
type EventQuery struct {
	// After leaves out the events up to this number, Before those from this
	// number on; 0 leaves out none.
	After, Before int64
	// Kinds leaves out events of other kinds; empty leaves out none.
	Kinds []string
	// Newest turns the order around: newest first.
	Newest bool
	// Limit is the size of the page, 20 where it is 0, at most 1000.
	Limit int
}

// Events returns a page of a job's events, oldest first unless q says
// otherwise, and whether there are more. A job that is not there is
// [store.ErrNotFound].
func (s *Store) Events(ctx context.Context, id string, q EventQuery) ([]Event, bool, error) {
	limit, err := pageSize(q.Limit)
	if err != nil {
		return nil, false, fmt.Errorf("list events of job %s: %w", id, err)
	}
	var rows []eventRow
	order := "number"
	if q.Newest {
		order = "number DESC"
	}
	sel := s.db.Query(ctx).NewSelect().Model(&rows).Where("job_id = ? AND number > ?", id, q.After).
		Order(order).Limit(int64(limit) + 1)
	if q.Before > 0 {
		sel.Where("number < ?", q.Before)
	}
	if len(q.Kinds) > 0 {
		sel.Where("kind IN (?)", bun.List(q.Kinds))
	}
	err = sel.Scan(ctx)
	if err == nil && len(rows) == 0 {
		_, err = s.row(ctx, id)
	}
	if err != nil {
		return nil, false, fmt.Errorf("list events of job %s: %w", id, store.NoRows(err))
	}
	rows, more := page(rows, limit)
	events := make([]Event, len(rows))
	for i := range rows {
		events[i] = rows[i].event()
	}
	return events, more, nil
}

func pageSize(limit int) (int, error) {
	switch {
	case limit < 0 || limit > maxPage:
		return 0, fmt.Errorf("a page of %d: want 1 to %d", limit, maxPage)
	case limit == 0:
		return defaultPage, nil
	}
	return limit, nil
}

// page cuts off the row that was read to see whether there are more.
func page[T any](rows []T, limit int) ([]T, bool) {
	if len(rows) > limit {
		return rows[:limit], true
	}
	return rows, false
}
