//go:build !unix

package clock

import "time"

var start = time.Now()

// CPU returns the time since the program began: processor time is not at hand.
func CPU() time.Duration { return time.Since(start) }
