//go:build unix

package filemap

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the first size bytes of f, read-only.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if size > math.MaxInt {
		return nil, errors.New("file is larger than the address space")
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

func unmap(b []byte) error { return unix.Munmap(b) }

// releasePages drops the pages that lie wholly within b[begin:end] of a map.
// Pages shared with a neighbour stay.
func releasePages(b []byte, begin, end int64) error {
	page := int64(os.Getpagesize())
	begin = (begin + page - 1) / page * page
	end = end / page * page
	if begin >= end {
		return nil
	}
	return unix.Madvise(b[begin:end], unix.MADV_DONTNEED)
}
