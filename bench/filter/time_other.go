//go:build !unix

package main

import "time"

var started = time.Now()

// processorTime returns the time since the program started: systems that are
// not Unix measure by the clock.
func processorTime() time.Duration { return time.Since(started) }
