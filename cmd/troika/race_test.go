//go:build race

package main

// underRace says that the tests were built with the race detector.
const underRace = true
