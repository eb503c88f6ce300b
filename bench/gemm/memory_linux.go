package main

import "golang.org/x/sys/unix"

// memory returns n bytes in huge pages where the system grants them, as the
// device keeps its weights.
func memory(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	// A refusal costs speed alone.
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	return b
}
