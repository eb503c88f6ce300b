package fsx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// tempSuffix ends the names of files that are being written.
const tempSuffix = ".tmp"

// Pending is a file that is being written beside its final place. It is for
// one goroutine. Exactly one of Commit and Abort must be called; Abort after
// Commit does nothing, so that it can be deferred.
type Pending struct {
	f    *os.File
	name string
	done bool
}

// Create starts a new version of the file name, in the same directory.
func Create(name string, perm fs.FileMode) (*Pending, error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*"+tempSuffix)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	// The lock tells Sweep that the writer lives; a file system without locks is none
	// that is swept.
	_ = lockFile(f)
	p := &Pending{f: f, name: name}
	if err := f.Chmod(perm); err != nil {
		p.Abort()
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	return p, nil
}

// Write implements [io.Writer].
func (p *Pending) Write(b []byte) (int, error) { return p.f.Write(b) }

// Commit makes what was written durable and gives it its name. After an error
// the temporary file is gone and the old content, if any, still stands.
func (p *Pending) Commit() error {
	if p.done {
		return fmt.Errorf("commit %s: %w", p.name, fs.ErrClosed)
	}
	p.done = true
	err := errors.Join(p.f.Sync(), p.f.Close())
	if err == nil {
		err = os.Rename(p.f.Name(), p.name)
	}
	if err != nil {
		return fmt.Errorf("commit %s: %w", p.name, errors.Join(err, os.Remove(p.f.Name())))
	}
	if err := SyncDir(filepath.Dir(p.name)); err != nil {
		return fmt.Errorf("commit %s: %w", p.name, err)
	}
	return nil
}

// Abort drops what was written. Its errors are of no use to a caller who is
// already giving up, so it returns none.
func (p *Pending) Abort() {
	if p.done {
		return
	}
	p.done = true
	_ = p.f.Close()
	_ = os.Remove(p.f.Name())
}

// Write writes the file name atomically and durably; fill produces its content.
func Write(name string, perm fs.FileMode, fill func(io.Writer) error) error {
	p, err := Create(name, perm)
	if err != nil {
		return err
	}
	defer p.Abort()
	if err := fill(p); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return p.Commit()
}

// WriteFile is [os.WriteFile], atomic and durable.
func WriteFile(name string, data []byte, perm fs.FileMode) error {
	return Write(name, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// MkdirAll is [os.MkdirAll] with every directory it makes made durable.
func MkdirAll(dir string, perm fs.FileMode) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("make directory %s: a file has that name", dir)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(dir)
	if err := MkdirAll(parent, perm); err != nil {
		return err
	}
	if err := os.Mkdir(dir, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncDir(parent)
}

// Rename moves old to new, both on one file system, and makes that durable.
func Rename(oldName, newName string) error {
	if err := os.Rename(oldName, newName); err != nil {
		return err
	}
	return errors.Join(SyncDir(filepath.Dir(newName)), SyncDir(filepath.Dir(oldName)))
}
