//go:build !linux

package main

import "time"

// memory returns n bytes.
func memory(n int) []byte { return make([]byte, n) }

// processorTime is not measured here: wall time is.
func processorTime() float64 { return time.Since(started).Seconds() }
