package filemap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// ErrShort is wrapped when a file ends before the bytes that were asked for.
var ErrShort = errors.New("file is cut")

// File is an open file. Its methods but Close are safe for concurrent use.
type File struct {
	src    io.ReaderAt
	size   int64
	mapped []byte // the whole file, nil when it is not mapped
	closer io.Closer
	closed atomic.Bool
}

// New makes a File of size bytes of src, which is read when bytes are asked for.
// Closing the File does not close src.
func New(src io.ReaderAt, size int64) *File { return &File{src: src, size: max(size, 0)} }

// Open opens a regular file and, where the system can, maps it. The file must not
// be cut or changed while it is open; files that are replaced as a whole never are.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	file := New(f, info.Size())
	file.closer = f
	if file.size == 0 {
		return file, nil // which no system maps
	}
	if file.mapped, err = mapFile(f, info.Size()); err != nil {
		return nil, errors.Join(fmt.Errorf("map: %w", err), f.Close())
	}
	return file, nil
}

// Size returns the length in bytes.
func (f *File) Size() int64 { return f.size }

// Mapped reports whether Bytes returns parts of a map rather than copies.
func (f *File) Mapped() bool { return f.mapped != nil }

// Bytes returns n bytes from off on: a part of the map, or a copy. An end past the
// file's is an error that wraps [ErrShort].
func (f *File) Bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > f.size || n > f.size-off {
		return nil, fmt.Errorf("%w: %d bytes at %d of %d", ErrShort, n, off, f.size)
	}
	if f.mapped != nil {
		return f.mapped[off : off+n : off+n], nil
	}
	b := make([]byte, n)
	if n == 0 {
		return b, nil
	}
	got, err := f.src.ReadAt(b, off)
	switch {
	case got == len(b):
		return b, nil
	case err == nil || errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: %d of %d bytes at %d", ErrShort, got, n, off)
	}
	return nil, err
}

// Release tells the system that the pages within n bytes from off on are not needed
// soon, so that they leave the process's resident memory. The data stays valid, to
// be read from the file again when touched. It does nothing to a file that is not
// mapped.
func (f *File) Release(off, n int64) error {
	if f.mapped == nil {
		return nil
	}
	return releasePages(f.mapped, off, off+n)
}

// Closed reports whether Close was called.
func (f *File) Closed() bool { return f.closed.Load() }

// Close unmaps and closes the file; nothing that Bytes returned may be used after
// it. Closing twice is allowed.
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
