//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that the process has used: other work on the
// machine does not count. It is that of one thread where GOMAXPROCS is 1.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
