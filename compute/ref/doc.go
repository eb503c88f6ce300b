// Package ref is the reference device: every operator runs its own definition in
// plain Go, on one goroutine, with sums in float64. It is slow and supports
// everything; faster devices are compared with it.
package ref
