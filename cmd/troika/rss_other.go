//go:build !unix

package main

// peakRSS returns 0: the system does not tell.
func peakRSS() int64 { return 0 }

// availableMemory returns 0: the system does not tell.
func availableMemory() int64 { return 0 }
