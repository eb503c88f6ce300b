//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// ignoreSizeLimit makes a write past a file size limit (ulimit -f) fail with an
// error; by default its signal kills the process.
func ignoreSizeLimit() { signal.Ignore(syscall.SIGXFSZ) }
