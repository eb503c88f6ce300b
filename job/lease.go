package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// CodeLost is the code of a job that is queued again because its runner died.
const CodeLost = "runner_lost"

// errOwner refuses a lease for nobody: an empty owner means that none is held.
var errOwner = errors.New("a lease needs an owner and some time")

// Acquire gives owner the lease of a queued job for ttl, with a token larger
// than all before, and makes the job running. [ErrTaken] says that the job is
// not queued, or that a run of it still winds down.
func (s *Store) Acquire(ctx context.Context, id, owner string, ttl time.Duration) (Job, error) {
	j, err := s.change(ctx, id, func(r *jobRow, now int64) ([]Event, error) {
		switch {
		case owner == "" || !validName(owner) || ttl <= 0:
			return nil, errOwner
		case r.State != string(Queued):
			return nil, fmt.Errorf("it is %s: %w", r.State, ErrTaken)
		case r.lease().Held(time.UnixMicro(now)):
			return nil, fmt.Errorf("%s holds it until %s: %w", r.Owner, r.lease().Expires.Format(time.RFC3339), ErrTaken)
		}
		e, err := r.move(Running, now, "", "")
		r.Owner, r.Token, r.ExpiresAt = owner, r.Token+1, now+ttl.Microseconds()
		r.LeasedAt, r.LeasedDone = now, r.Done
		if r.StartedAt == 0 {
			r.StartedAt = now
		}
		return []Event{e}, err
	})
	if err != nil {
		return Job{}, fmt.Errorf("acquire job %s: %w", id, err)
	}
	return j, nil
}

// held is a change by the holder of a lease; a stale one gets [ErrFenced].
func (s *Store) held(ctx context.Context, what string, l Lease, fn func(r *jobRow, now int64) ([]Event, error)) (Job, error) {
	j, err := s.change(ctx, l.JobID, func(r *jobRow, now int64) ([]Event, error) {
		if err := r.holds(l); err != nil {
			return nil, err
		}
		return fn(r, now)
	})
	if err != nil {
		return Job{}, fmt.Errorf("%s of job %s under lease %d: %w", what, l.JobID, l.Token, err)
	}
	return j, nil
}

// Heartbeat puts the end of a lease off to ttl from now, records progress, and
// returns the job. A lease that ran out is renewed, unless it was taken back.
// A state other than Running asks the holder to stop.
func (s *Store) Heartbeat(ctx context.Context, l Lease, ttl time.Duration, p Progress) (Job, error) {
	return s.held(ctx, "heartbeat", l, func(r *jobRow, now int64) ([]Event, error) {
		if ttl <= 0 {
			return nil, errOwner
		}
		r.ExpiresAt = now + ttl.Microseconds()
		r.Done, r.Total = p.Done, p.Total
		return nil, nil
	})
}

// Emit appends an event. An event whose key the job has already is left out.
// The holder may emit while it winds down as well.
func (s *Store) Emit(ctx context.Context, l Lease, e Event) error {
	e, err := e.check()
	if err != nil {
		return fmt.Errorf("emit to job %s: %w", l.JobID, err)
	}
	return s.ignoreJob(s.held(ctx, "event", l, func(*jobRow, int64) ([]Event, error) {
		return []Event{e}, nil
	}))
}

// SetResult records what the job made, as JSON, replacing what was there. It
// needs a job that is running: within a transaction of the caller it is the
// fence for everything else that is written there.
func (s *Store) SetResult(ctx context.Context, l Lease, result json.RawMessage) error {
	return s.ignoreJob(s.held(ctx, "result", l, func(r *jobRow, _ int64) ([]Event, error) {
		switch {
		case r.State != string(Running):
			return nil, fmt.Errorf("it is %s: %w", r.State, ErrState)
		case len(result) > maxResult:
			return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(result), maxResult)
		case !json.Valid(result):
			return nil, errors.New("it is no JSON")
		}
		r.Result = string(result)
		return nil, nil
	}))
}

func (*Store) ignoreJob(_ Job, err error) error { return err }

// End gives a lease back with the last progress. A job that is running moves to
// the state of the ending. One that was paused or cancelled meanwhile stays as
// it is; a reason that would be lost by that becomes an event.
func (s *Store) End(ctx context.Context, l Lease, p Progress, end Ending) (Job, error) {
	return s.held(ctx, "end", l, func(r *jobRow, now int64) ([]Event, error) {
		r.free()
		r.Done, r.Total = p.Done, p.Total
		if r.State == string(Running) {
			e, err := r.move(end.State, now, end.Code, end.Reason)
			return []Event{e}, err
		}
		if end.State == Succeeded || end.Reason == "" {
			return nil, nil
		}
		return []Event{{Level: LevelWarn, Kind: KindMessage, Message: clip("the run ended: " + end.Reason)}}, nil
	})
}

// Reclaim takes back the leases that ran out, and all of owner if that is not
// empty, for an owner who knows that its former self is dead. Jobs that were
// running are queued again; they are returned, oldest first.
func (s *Store) Reclaim(ctx context.Context, owner string) ([]Job, error) {
	var ids []string
	err := s.db.Query(ctx).NewSelect().Model((*jobRow)(nil)).Column("id").
		Where("owner <> '' AND (expires_at <= ? OR owner = ?)", time.Now().UnixMicro(), owner).
		Order("created_at", "id").Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("reclaim jobs: %w", err)
	}
	var jobs []Job
	for _, id := range ids {
		var requeued bool
		j, err := s.change(ctx, id, func(r *jobRow, now int64) ([]Event, error) {
			if r.Owner == "" || r.Owner != owner && r.lease().Held(time.UnixMicro(now)) {
				return nil, errSame // someone else was faster
			}
			was := r.Owner
			r.free()
			requeued = r.State == string(Running)
			if !requeued {
				return nil, nil
			}
			e, err := r.move(Queued, now, CodeLost, "its runner "+was+" was lost")
			return []Event{e}, err
		})
		if err != nil {
			return jobs, fmt.Errorf("reclaim job %s: %w", id, err)
		}
		if requeued {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}
