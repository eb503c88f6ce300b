package fsx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File is a file of a set.
type File struct {
	Name string
	Fill func(io.Writer) error // writes the content
}

// Bytes returns a file of given content.
func Bytes(name string, data []byte) File {
	return File{Name: name, Fill: func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// WriteSet replaces files of the directory dir that belong together. All of them are
// written and durable before the first takes its name, so that a full disk or a
// failing Fill leaves the old set. The last file marks the set: it is taken away
// first and comes back last, so that whoever looks for it never meets files of two
// sets, even after a kill in between.
func WriteSet(dir string, perm fs.FileMode, files ...File) error {
	var set []*Pending
	defer func() {
		for _, p := range set {
			p.Abort()
		}
	}()
	for _, f := range files {
		name := filepath.Join(dir, f.Name)
		p, err := Create(name, perm)
		if err != nil {
			return err
		}
		set = append(set, p)
		err = f.Fill(p)
		if err == nil {
			err = p.f.Sync()
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if len(set) == 0 {
		return nil
	}
	if err := os.Remove(set[len(set)-1].name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := SyncDir(dir); err != nil {
		return err
	}
	for _, p := range set {
		if err := p.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// Sweep removes the unfinished files that killed writers left in dir. Those of
// writers that live stay, where the system can tell. What cannot be removed stays as
// well: it is in nobody's way.
func Sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), tempSuffix) || !e.Type().IsRegular() {
			continue
		}
		name := filepath.Join(dir, e.Name())
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		err = lockFile(f)
		if f.Close() == nil && err == nil {
			_ = os.Remove(name)
		}
	}
}
