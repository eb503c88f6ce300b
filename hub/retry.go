package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retries: failures in a row before giving up, and the waits between them,
// which double from the first to the last. A server's own word on when to come
// back is followed up to maxRetryAfter.
const (
	maxFailures   = 6
	firstBackoff  = 500 * time.Millisecond
	lastBackoff   = 30 * time.Second
	maxRetryAfter = 10 * time.Minute
)

// temporaryError is a failure after which trying again may help.
type temporaryError struct {
	err   error
	after time.Duration // the least time to wait, if the server said one
}

func (e *temporaryError) Error() string { return e.err.Error() }

func (e *temporaryError) Unwrap() error { return e.err }

// retry calls try until it succeeds or fails for good. A try that reports
// progress starts the count of failures again: a large file over a poor line
// may well be cut more often than maxFailures.
func retry(ctx context.Context, try func() (progress bool, err error)) error {
	for failures := 1; ; failures++ {
		progress, err := try()
		var temporary *temporaryError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.As(err, &temporary):
			return err
		case progress:
			failures = 1
		case failures == maxFailures:
			return fmt.Errorf("%w: %d tries failed, the last: %w", ErrUnavailable, failures, temporary.err)
		}
		if temporary.after > maxRetryAfter {
			return fmt.Errorf("%w: it asks to come back in %s: %w", ErrUnavailable, temporary.after, temporary.err)
		}
		if err := wait(ctx, max(backoff(failures), temporary.after)); err != nil {
			return err
		}
	}
}

// backoff spreads clients out: between half and all of a doubling wait.
func backoff(failures int) time.Duration {
	d := min(firstBackoff<<(failures-1), lastBackoff)
	return d/2 + rand.N(d/2)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// retryAfter reads when to come back: Retry-After in seconds or as a date, or
// the reset time t of the RateLimit header that the hub sends with status 429
// (draft-ietf-httpapi-ratelimit-headers). 0 means it was not said.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 1 << 30 // seconds; more would overflow a Duration
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return time.Duration(min(n, most)) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(t.Sub(now), 0)
	}
	for field := range strings.SplitSeq(h.Get("RateLimit"), ";") {
		if t, ok := strings.CutPrefix(strings.TrimSpace(field), "t="); ok {
			if n, err := strconv.Atoi(t); err == nil && n >= 0 {
				return time.Duration(min(n, most)) * time.Second
			}
		}
	}
	return 0
}
