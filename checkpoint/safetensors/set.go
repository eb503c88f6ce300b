package safetensors

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/tensor"
)

const (
	// SingleName is the file of a checkpoint that is not sharded.
	SingleName = "model.safetensors"
	// IndexName is the file that says which shard holds which tensor.
	IndexName = "model.safetensors.index.json"
)

// Set is a checkpoint of one or more files. It implements [checkpoint.Reader]
// and [checkpoint.Describer].
type Set struct {
	files []*File
	where map[string]*File
}

// Open opens path: a .safetensors file, an index (a name that ends in
// .index.json), or a directory that holds [SingleName] or else [IndexName].
// Every shard is opened and checked at once. An index must name each tensor of
// each of its shards exactly once; a difference is an error that wraps ErrIndex.
func Open(path string) (*Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint %s: %w", path, err)
	}
	if info.IsDir() {
		single := filepath.Join(path, SingleName)
		index := filepath.Join(path, IndexName)
		switch _, err := os.Stat(single); {
		case err == nil:
			path = single
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("open checkpoint %s: %w", single, err)
		default:
			path = index
		}
	}
	if strings.HasSuffix(path, ".index.json") {
		return openIndex(path)
	}
	f, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	return newSet([]*File{f}), nil
}

func newSet(files []*File) *Set {
	s := &Set{files: files, where: map[string]*File{}}
	for _, f := range files {
		for name := range f.header.spans {
			s.where[name] = f
		}
	}
	return s
}

func openIndex(path string) (*Set, error) {
	weights, err := readIndex(path)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint %s: %w", path, err)
	}
	byFile := map[string]*File{}
	s := &Set{}
	for _, name := range slices.Compact(slices.Sorted(maps.Values(weights))) {
		f, err := OpenFile(filepath.Join(filepath.Dir(path), name))
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		byFile[name] = f
		s.files = append(s.files, f)
	}
	if err := checkIndex(weights, byFile); err != nil {
		return nil, errors.Join(fmt.Errorf("open checkpoint %s: %w", path, err), s.Close())
	}
	return newSet(s.files), nil
}

// readIndex returns the weight_map of an index: tensor name -> file name.
func readIndex(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(f, MaxHeader+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxHeader {
		return nil, fmt.Errorf("%w: the index is longer than %d bytes", ErrHeaderSize, MaxHeader)
	}
	return parseIndex(text)
}

func parseIndex(text []byte) (map[string]string, error) {
	var weights map[string]string
	s := &scanner{b: text}
	err := s.object(func(key string) error {
		if key != "weight_map" {
			return s.skip(0)
		}
		weights = map[string]string{}
		return s.object(func(name string) error {
			file, err := s.str()
			if err != nil {
				return err
			}
			if !plainName(file) {
				return fmt.Errorf("%w: tensor %q lies in %q, which is not the name of a file beside the index", ErrIndex, name, file)
			}
			weights[name] = file
			return nil
		})
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, err
	}
	if len(weights) == 0 {
		return nil, fmt.Errorf("%w: weight_map is missing or empty", ErrIndex)
	}
	return weights, nil
}

// plainName reports whether file is the name of a safetensors file in the same
// directory, on every system.
func plainName(file string) bool {
	return strings.HasSuffix(file, ".safetensors") && filepath.IsLocal(file) && !strings.ContainsAny(file, "/\\:\x00")
}

func checkIndex(weights map[string]string, files map[string]*File) error {
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if _, ok := files[weights[name]].header.spans[name]; !ok {
			return fmt.Errorf("%w: tensor %q is not in %s", ErrIndex, name, weights[name])
		}
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, name := range files[file].Names() {
			if weights[name] != file {
				return fmt.Errorf("%w: %s holds tensor %q, which the index puts in %q", ErrIndex, file, name, weights[name])
			}
		}
	}
	return nil
}

// Names implements [checkpoint.Reader].
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.where)) }

// Tensor implements [checkpoint.Reader]; see [File.Tensor].
func (s *Set) Tensor(name string) (tensor.Tensor, error) {
	f, err := s.file(name)
	if err != nil {
		return tensor.Tensor{}, err
	}
	return f.Tensor(name)
}

// Entry implements [checkpoint.Describer].
func (s *Set) Entry(name string) (checkpoint.Entry, error) {
	f, err := s.file(name)
	if err != nil {
		return checkpoint.Entry{}, err
	}
	return f.Entry(name)
}

// Release is [File.Release] on the file that holds the tensor.
func (s *Set) Release(name string) error {
	f, err := s.file(name)
	if err != nil {
		return err
	}
	return f.Release(name)
}

// Metadata implements [checkpoint.Reader]. Where shards disagree on a key, the
// first shard's value stands.
func (s *Set) Metadata() map[string]string {
	out := map[string]string{}
	for _, f := range slices.Backward(s.files) {
		maps.Copy(out, f.header.metadata)
	}
	return out
}

// Files returns the number of files.
func (s *Set) Files() int { return len(s.files) }

// Close implements [checkpoint.Reader].
func (s *Set) Close() error {
	var err error
	for _, f := range s.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

func (s *Set) file(name string) (*File, error) {
	f, ok := s.where[name]
	if !ok {
		return nil, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrNotFound)
	}
	return f, nil
}
