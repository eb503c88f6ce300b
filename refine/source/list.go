package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/refine"
)

// File is a regular file among the inputs.
type File struct {
	// Name is the file's name in items, with slashes: the path below the input
	// folder, or the base name of an input file. With several inputs, a
	// folder's files begin with the folder's base name, and where two inputs
	// have the same base name all names are paths as they were given.
	Name string
	// Path is where the file lies.
	Path string
	// Size and ModTime are what they were when the file was listed.
	Size    int64
	ModTime time.Time
	// Digest is set by Options.Hash. Where it is not zero, reading checks it.
	Digest troika.Digest
}

// The reasons of failures that a walk gives by itself.
var (
	// ErrChanged says that a file is no longer what it was when it was listed.
	// Items of it that came before the failure are not to be used.
	ErrChanged = errors.New("changed while it was read")
	// ErrLoop says that a symbolic link leads to a folder above it, or to one
	// that another link led to.
	ErrLoop = errors.New("symbolic link to a folder that was read before")
	// ErrIrregular says that a pipe, socket or device was left alone.
	ErrIrregular = errors.New("not a regular file")
)

// maxFolders bounds how deep folders lie in each other.
const maxFolders = 255

// List yields the files of the inputs: inputs in the order given, the files of
// a folder in the lexical order of their names. Symbolic links are followed,
// each folder once. Files and folders below an input whose names start with "."
// or "_" are skipped. The error, where there is one, is a [refine.Failure] for
// what could not be listed, and the listing goes on after it; an error of the
// context comes as it is and ends it.
func List(ctx context.Context, inputs []string, o Options) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		l := &lister{ctx: ctx, o: o, yield: yield, linked: map[string]bool{}}
		for i, name := range inputNames(inputs) {
			if !l.input(inputs[i], name, len(inputs) > 1) {
				return
			}
		}
	}
}

// inputNames returns what each input is called.
func inputNames(inputs []string) []string {
	names := make([]string, len(inputs))
	seen := map[string]bool{}
	clash := false
	for i, in := range inputs {
		names[i] = filepath.Base(filepath.Clean(in))
		clash = clash || seen[names[i]]
		seen[names[i]] = true
	}
	if clash {
		for i, in := range inputs {
			names[i] = filepath.ToSlash(filepath.Clean(in))
		}
	}
	return names
}

type lister struct {
	ctx    context.Context
	o      Options
	yield  func(File, error) bool
	linked map[string]bool // folders that links led to
}

func (l *lister) fail(name string, err error) bool {
	return l.yield(File{}, refine.Failure{Path: name, Err: reason(err)})
}

// input lists one input; false ends the listing.
func (l *lister) input(where, name string, several bool) bool {
	info, err := os.Stat(where)
	if err != nil {
		return l.fail(name, err)
	}
	if !info.IsDir() {
		return l.file(where, name, info)
	}
	if !several {
		name = ""
	}
	direct, err := filepath.EvalSymlinks(where)
	if err == nil {
		direct, err = filepath.Abs(direct)
	}
	if err != nil {
		return l.fail(name, err)
	}
	return l.folder(where, direct, name, 0)
}

// folder lists the folder at where, whose path without links is direct.
func (l *lister) folder(where, direct, name string, depth int) bool {
	if depth > maxFolders {
		return l.fail(name, fmt.Errorf("folders nested more than %d deep", maxFolders))
	}
	entries, err := os.ReadDir(where)
	if err != nil && !l.fail(path.Join(".", name), err) {
		return false
	}
	for _, e := range entries {
		if err := l.ctx.Err(); err != nil {
			l.yield(File{}, err)
			return false
		}
		below := path.Join(name, e.Name())
		if strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_") {
			if l.o.Skipped != nil {
				l.o.Skipped(below, "hidden")
			}
			continue
		}
		if !l.entry(filepath.Join(where, e.Name()), filepath.Join(direct, e.Name()), below, e, depth) {
			return false
		}
	}
	return true
}

func (l *lister) entry(where, direct, name string, e fs.DirEntry, depth int) bool {
	if e.IsDir() {
		return l.folder(where, direct, name, depth+1)
	}
	info, err := os.Stat(where)
	if err != nil {
		return l.fail(name, err)
	}
	if !info.IsDir() {
		return l.file(where, name, info)
	}
	target, err := filepath.EvalSymlinks(where)
	if err == nil {
		target, err = filepath.Abs(target)
	}
	if err != nil {
		return l.fail(name, err)
	}
	if l.linked[target] || strings.HasPrefix(direct, target+string(filepath.Separator)) {
		return l.fail(name, ErrLoop)
	}
	l.linked[target] = true
	return l.folder(where, target, name, depth+1)
}

func (l *lister) file(where, name string, info fs.FileInfo) bool {
	if !info.Mode().IsRegular() {
		return l.fail(name, ErrIrregular)
	}
	f := File{Name: name, Path: where, Size: info.Size(), ModTime: info.ModTime()}
	if l.o.Hash {
		var err error
		if f.Digest, err = digestFile(l.ctx, where); err != nil {
			if l.ctx.Err() != nil {
				l.yield(File{}, l.ctx.Err())
				return false
			}
			return l.fail(name, err)
		}
	}
	return l.yield(f, nil)
}

// digestFile hashes a file.
func digestFile(ctx context.Context, where string) (troika.Digest, error) {
	f, err := os.Open(where)
	if err != nil {
		return troika.Digest{}, err
	}
	defer f.Close() //nolint:errcheck // the file is only read
	h := sha256.New()
	if _, err := io.Copy(h, ctxReader{ctx, f}); err != nil {
		return troika.Digest{}, err
	}
	return troika.DigestOf(h), nil
}

// ctxReader ends reading when its context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// reason strips the path from an error that a Failure names by itself.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
