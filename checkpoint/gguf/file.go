package gguf

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/filemap"
	"github.com/troikaml/troika/tensor"
)

// File is an open GGUF checkpoint of one file or several. It implements
// [checkpoint.Reader] and [checkpoint.Describer].
type File struct {
	head  *head // of the first part
	parts []*filemap.File
	where map[string]place
}

type place struct {
	*info
	part *filemap.File
}

// NewReader reads the head of a file of size bytes and checks it. Tensors are read
// from src when they are asked for. Closing the File does not close src.
func NewReader(src io.ReaderAt, size int64) (*File, error) {
	f := &File{where: map[string]place{}}
	if err := f.add(filemap.New(src, size)); err != nil {
		return nil, err
	}
	return f, nil
}

// Open opens a file and, where the system can, maps it: tensors then share the
// map's memory. A file named as llama.cpp names splits, PREFIX-00001-of-00003.gguf,
// is opened with all its parts. The files must not be changed while they are open.
func Open(path string) (*File, error) {
	f := &File{where: map[string]place{}}
	paths := Paths(path)
	for i, p := range paths {
		part, err := filemap.Open(p)
		if err == nil {
			err = f.add(part)
		}
		if err == nil {
			err = f.checkPart(i, len(paths))
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open checkpoint %s: %w", p, err), f.Close())
		}
	}
	return f, nil
}

var splitName = regexp.MustCompile(`^(.*-)(\d{5})-of-(\d{5})\.gguf$`)

// maxParts bounds the parts of a split checkpoint.
const maxParts = 1000

// Paths returns the paths of all parts that a path names: itself alone unless it is
// named as llama.cpp names splits. It looks at the name only.
func Paths(path string) []string {
	m := splitName.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return []string{path}
	}
	n, err := strconv.Atoi(m[3])
	if err != nil || n < 2 || n > maxParts {
		return []string{path}
	}
	paths := make([]string, n)
	for i := range paths {
		paths[i] = filepath.Join(filepath.Dir(path), fmt.Sprintf("%s%05d-of-%s.gguf", m[1], i+1, m[3]))
	}
	return paths
}

// add reads a part's head. The part is f's to close, whatever happens.
func (f *File) add(part *filemap.File) error {
	f.parts = append(f.parts, part)
	h, err := readHead(part)
	if err != nil {
		return err
	}
	for i := range h.tensors {
		t := &h.tensors[i]
		if _, ok := f.where[t.name]; ok {
			return fmt.Errorf("%w: tensor %q lies in two of them", ErrSplit, t.name)
		}
		f.where[t.name] = place{t, part}
	}
	if f.head == nil {
		f.head = h
		return nil
	}
	f.head.tensors = append(f.head.tensors, h.tensors...)
	return checkSplit(h.metadata, len(f.parts)-1)
}

// The keys that tell a part's number, the number of parts, and of all tensors.
const (
	splitNo      = "split.no"
	splitCount   = "split.count"
	splitTensors = "split.tensors.count"
)

func checkSplit(m *Metadata, want int) error {
	switch no, err := m.Int(splitNo); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrSplit, err)
	case no != want:
		return fmt.Errorf("%w: the file of part %d says it is part %d", ErrSplit, want, no)
	}
	return nil
}

// checkPart checks part i of n after it was added.
func (f *File) checkPart(i, n int) error {
	m := f.head.metadata
	count := 1
	if m.Has(splitCount) {
		var err error
		if count, err = m.Int(splitCount); err != nil {
			return err
		}
	}
	if count = max(count, 1); count != n {
		return fmt.Errorf("%w: %d by metadata, %d by the file's name; parts keep the names they were given", ErrSplit, count, n)
	}
	if i == n-1 && n > 1 && m.Has(splitTensors) {
		total, err := m.Int(splitTensors)
		if err != nil {
			return err
		}
		if total != len(f.where) {
			return fmt.Errorf("%w: they hold %d tensors of %d", ErrSplit, len(f.where), total)
		}
	}
	return nil
}

// KV returns the typed metadata of the checkpoint, the first part's. It is shared
// and must not be changed.
func (f *File) KV() *Metadata { return f.head.metadata }

// Head returns everything before the data of the first part, read-only and valid
// until Close: what tells two files with tensors of the same kind apart.
func (f *File) Head() ([]byte, error) { return f.parts[0].Bytes(0, f.head.data) }

// Parts returns the number of files.
func (f *File) Parts() int { return len(f.parts) }

// Names implements [checkpoint.Reader].
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.where)) }

// Order returns the names in the order of the file.
func (f *File) Order() []string {
	names := make([]string, len(f.head.tensors))
	for i, t := range f.head.tensors {
		names[i] = t.name
	}
	return names
}

// TypeName returns the name of a tensor's type as ggml spells it, also of one that
// is not supported; "" for a name that is not there.
func (f *File) TypeName(name string) string {
	if p, ok := f.where[name]; ok {
		return p.kind.name
	}
	return ""
}

// Metadata implements [checkpoint.Reader]: it returns the values that are strings.
func (f *File) Metadata() map[string]string {
	out := map[string]string{}
	for key, value := range f.head.metadata.values {
		if s, ok := value.(string); ok {
			out[key] = s
		}
	}
	return out
}

// Entry implements [checkpoint.Describer]. A tensor of a type that is not supported
// is an error that wraps [ErrType].
func (f *File) Entry(name string) (checkpoint.Entry, error) {
	p, err := f.find(name)
	if err != nil {
		return checkpoint.Entry{}, err
	}
	return p.entry()
}

// Tensor implements [checkpoint.Reader]. Data is aligned as the file is: a
// multiple of 8 bytes at least in files of version 3 as llama.cpp writes them.
func (f *File) Tensor(name string) (tensor.Tensor, error) {
	p, err := f.find(name)
	if err != nil {
		return tensor.Tensor{}, err
	}
	e, err := p.entry()
	if err != nil {
		return tensor.Tensor{}, err
	}
	data, err := p.part.Bytes(p.offset, p.bytes)
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("tensor %q: %w: %w", name, ErrShort, err)
	}
	return tensor.Tensor{DType: e.DType, Shape: e.Shape, Data: data}, nil
}

// Release tells the system that a tensor's pages are not needed soon; see
// [filemap.File.Release].
func (f *File) Release(name string) error {
	p, err := f.find(name)
	if err != nil {
		return err
	}
	if err := p.part.Release(p.offset, p.bytes); err != nil {
		return fmt.Errorf("release tensor %q: %w", name, err)
	}
	return nil
}

// Close implements [checkpoint.Reader]. No tensor of a mapped file may be used
// after it.
func (f *File) Close() error {
	var err error
	for _, p := range f.parts {
		err = errors.Join(err, p.Close())
	}
	return err
}

func (f *File) find(name string) (place, error) {
	p, ok := f.where[name]
	switch {
	case len(f.parts) > 0 && f.parts[0].Closed():
		return place{}, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrClosed)
	case !ok:
		return place{}, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrNotFound)
	}
	return p, nil
}

// Is reports whether a path is named as a GGUF file is.
func Is(path string) bool { return strings.EqualFold(filepath.Ext(path), ".gguf") }
