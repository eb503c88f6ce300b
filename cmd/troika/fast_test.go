//go:build !race && !noasm

package main

// slowBuild says that the tests were built with the race detector or without assembly.
const slowBuild = false
