package shape

import (
	"fmt"
	"os"
	"strings"
)

// PeakRSS reads the high-water mark of a process's resident memory from /proc, in
// bytes; process is a number or "self". It is 0 where there is no /proc.
func PeakRSS(process string) int64 {
	data, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		var kb int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}
