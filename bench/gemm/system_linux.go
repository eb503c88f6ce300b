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

// processorTime returns the seconds that this process has run on processors.
func processorTime() float64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) != nil {
		return 0
	}
	return float64(t.Sec) + 1e-9*float64(t.Nsec)
}
