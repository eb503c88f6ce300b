//go:build unix

package fsx

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// SyncDir makes the names in dir durable.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		err = nil // the file system has nothing to sync for a directory
	}
	return errors.Join(err, f.Close())
}

// FreeBytes returns the space that an ordinary user can still fill on the file
// system that holds dir.
func FreeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	free := float64(st.Bavail) * float64(st.Bsize)
	if free >= math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return int64(free), nil
}

func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		default:
			return err
		}
	}
}
