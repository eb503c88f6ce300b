//go:build !linux

package main

// memory returns n bytes.
func memory(n int) []byte { return make([]byte, n) }
