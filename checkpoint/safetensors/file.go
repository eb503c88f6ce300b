package safetensors

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/tensor"
)

// File is one open safetensors file. It implements [checkpoint.Reader] and
// [checkpoint.Describer].
type File struct {
	header *header
	src    io.ReaderAt
	mapped []byte // the whole file, nil when it is not mapped
	closer io.Closer
	closed atomic.Bool
}

// NewReader reads the header of a file of size bytes and checks it against
// every invariant. Tensors are read from src when they are asked for, into
// memory of their own. Closing the File does not close src.
func NewReader(src io.ReaderAt, size int64) (*File, error) {
	prefix := make([]byte, min(max(size, 0), prefixBytes))
	if err := readFull(src, prefix, 0); err != nil {
		return nil, err
	}
	n, err := headerLen(prefix, size)
	if err != nil {
		return nil, err
	}
	text := make([]byte, n)
	if err := readFull(src, text, prefixBytes); err != nil {
		return nil, err
	}
	h, err := parseHeader(text, size)
	if err != nil {
		return nil, err
	}
	return &File{header: h, src: src}, nil
}

// OpenFile opens a file and, where the system can, maps it: tensors then share
// the map's memory and cost nothing until they are touched. The file must not
// be cut or changed while it is open; files written by this package never are,
// because they are replaced as a whole.
func OpenFile(path string) (*File, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint %s: %w", path, err)
	}
	return f, nil
}

func openFile(path string) (*File, error) {
	osFile, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := osFile.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	var f *File
	if err == nil {
		f, err = NewReader(osFile, info.Size())
	}
	if err != nil {
		return nil, errors.Join(err, osFile.Close())
	}
	if f.mapped, err = mapFile(osFile, info.Size()); err != nil {
		return nil, errors.Join(fmt.Errorf("map: %w", err), osFile.Close())
	}
	f.closer = osFile
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
	begin, end := f.header.data+sp.begin, f.header.data+sp.end
	if f.mapped != nil {
		t.Data = f.mapped[begin:end:end]
		if !aligned(t.Data, t.DType.Size()) {
			t.Data = slices.Clone(t.Data)
		}
		return t, nil
	}
	t.Data = make([]byte, end-begin)
	if err := readFull(f.src, t.Data, begin); err != nil {
		return tensor.Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
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
	if f.mapped == nil {
		return nil
	}
	if err := releasePages(f.mapped, f.header.data+sp.begin, f.header.data+sp.end); err != nil {
		return fmt.Errorf("release tensor %q: %w", name, err)
	}
	return nil
}

// Close implements [checkpoint.Reader]. No tensor of a mapped file may be used
// after it.
func (f *File) Close() error {
	if f.closed.Swap(true) {
		return nil
	}
	var err error
	if f.mapped != nil {
		err = unmap(f.mapped)
	}
	if f.closer != nil {
		err = errors.Join(err, f.closer.Close())
	}
	return err
}

func (f *File) span(name string) (span, error) {
	if f.closed.Load() {
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

// readFull reads exactly len(p) bytes; a source that ends early is ErrShort.
func readFull(src io.ReaderAt, p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	n, err := src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %d of %d bytes at %d", ErrShort, n, len(p), off)
	}
	return err
}
