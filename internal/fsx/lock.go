package fsx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrLocked is wrapped when another holder has the lock.
var ErrLocked = errors.New("locked by another process")

// lockPoll is how often Acquire tries again. flock has no wait that a context
// can end.
const lockPoll = 50 * time.Millisecond

// Lock is an exclusive advisory lock on a file. It excludes other processes and
// other Locks of the same process.
type Lock struct{ f *os.File }

// TryLock takes the lock on the file name, which it creates if need be, or
// fails with an error that wraps ErrLocked. The file stays after Release:
// removing it would let two holders lock two files of one name.
func TryLock(name string) (*Lock, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	if err := lockFile(f); err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, errors.Join(err, f.Close()))
	}
	return &Lock{f: f}, nil
}

// Acquire waits for the lock until ctx ends.
func Acquire(ctx context.Context, name string) (*Lock, error) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		l, err := TryLock(name)
		if !errors.Is(err, ErrLocked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Release gives the lock up. Closing the file is what releases it.
func (l *Lock) Release() error { return l.f.Close() }
