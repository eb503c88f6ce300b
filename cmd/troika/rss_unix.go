//go:build unix && !linux

package main

import (
	"runtime"
	"syscall"
)

// peakRSS returns the most memory this process held at once, in bytes.
func peakRSS() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return u.Maxrss
	}
	return u.Maxrss << 10
}

// availableMemory returns 0: the system does not tell in a common way.
func availableMemory() int64 { return 0 }
