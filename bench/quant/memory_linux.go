package main

import (
	"syscall"
	"unsafe"
)

const hugePage = 2 << 20

// memory returns n bytes in huge pages, as the device keeps weights.
func memory(n int) []byte {
	raw, err := syscall.Mmap(-1, 0, n+hugePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	b := raw[-uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%hugePage:][:n]
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE)
	return b
}
