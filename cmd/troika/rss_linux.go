package main

import (
	"fmt"
	"os"
	"strings"
)

// peakRSS returns the most memory this process held at once, in bytes. getrusage would
// count that of the process which started it as well.
func peakRSS() int64 { return bytesIn("/proc/self/status", "VmHWM") }

// availableMemory returns the bytes that programs can still take, as the system sees it; 0
// is unknown.
func availableMemory() int64 { return bytesIn("/proc/meminfo", "MemAvailable") }

// bytesIn returns a line of kilobytes in a file of the system; 0 where there is none.
func bytesIn(file, name string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, name+": %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}
