package safetensors

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unsafe"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/filemap"
	"github.com/troikaml/troika/tensor"
)

// File is one open safetensors file. It implements [checkpoint.Reader] and
// [checkpoint.Describer].
type File struct {
	header *header
	file   *filemap.File
}

// NewReader reads the header of a file of size bytes and checks it against
// every invariant. Tensors are read from src when they are asked for, into
// memory of their own. Closing the File does not close src.
func NewReader(src io.ReaderAt, size int64) (*File, error) {
	return newFile(filemap.New(src, size))
}

func newFile(file *filemap.File) (*File, error) {
	prefix, err := file.Bytes(0, min(file.Size(), prefixBytes))
	if err != nil {
		return nil, err
	}
	n, err := headerLen(prefix, file.Size())
	if err != nil {
		return nil, err
	}
	text, err := file.Bytes(prefixBytes, n)
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(text, file.Size())
	if err != nil {
		return nil, err
	}
	return &File{header: h, file: file}, nil
}

// OpenFile opens a file and, where the system can, maps it: tensors then share
// the map's memory and cost nothing until they are touched. The file must not
// be cut or changed while it is open; files written by this package never are,
// because they are replaced as a whole.
func OpenFile(path string) (*File, error) {
	file, err := filemap.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint %s: %w", path, err)
	}
	f, err := newFile(file)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint %s: %w", path, errors.Join(err, file.Close()))
	}
	return f, nil
}

// Names implements [checkpoint.Reader].
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.header.spans)) }

// Metadata implements [checkpoint.Reader].
func (f *File) Metadata() map[string]string { return maps.Clone(f.header.metadata) }

// Entry implements [checkpoint.Describer].
func (f *File) Entry(name string) (checkpoint.Entry, error) {
	sp, err := f.span(name)
	if err != nil {
		return checkpoint.Entry{}, err
	}
	e := sp.entry
	e.Shape = slices.Clone(e.Shape)
	return e, nil
}

// Tensor implements [checkpoint.Reader]. Data is aligned to the element size:
// where an old file is not, it is a copy.
func (f *File) Tensor(name string) (tensor.Tensor, error) {
	sp, err := f.span(name)
	if err != nil {
		return tensor.Tensor{}, err
	}
	t := tensor.Tensor{DType: sp.entry.DType, Shape: slices.Clone(sp.entry.Shape)}
	if t.Data, err = f.file.Bytes(f.header.data+sp.begin, sp.end-sp.begin); err != nil {
		return tensor.Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	if !aligned(t.Data, t.DType.Size()) {
		t.Data = slices.Clone(t.Data)
	}
	return t, nil
}

// Release tells the system that a tensor's pages are not needed soon, so that
// they leave the process's resident memory: for use after weights have been
// repacked. The data stays valid, to be read from the file again when touched.
// It does nothing where files are not mapped.
func (f *File) Release(name string) error {
	sp, err := f.span(name)
	if err != nil {
		return err
	}
	if err := f.file.Release(f.header.data+sp.begin, sp.end-sp.begin); err != nil {
		return fmt.Errorf("release tensor %q: %w", name, err)
	}
	return nil
}

// Close implements [checkpoint.Reader]. No tensor of a mapped file may be used
// after it.
func (f *File) Close() error { return f.file.Close() }

func (f *File) span(name string) (span, error) {
	if f.file.Closed() {
		return span{}, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrClosed)
	}
	sp, ok := f.header.spans[name]
	if !ok {
		return span{}, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrNotFound)
	}
	return sp, nil
}

func aligned(b []byte, size int) bool {
	return len(b) == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(size) == 0
}
