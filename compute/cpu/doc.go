// Package cpu is the fast device for the host's processor.
//
// Every operator that package compute defines runs here: the frequent ones on
// code of their own, one file for a family, and the others through their
// reference. The arithmetic itself lives in package kernel below; this package
// decides how operators are cut into work, where their memory comes from and
// how weights and caches lie in it.
//
// Terms: a worker is a goroutine of the device's pool; a range of work is cut
// into blocks that the workers claim one after another, so that a worker which
// the operating system holds up delays nobody for longer than its block.
//
// Invariants:
//   - The bits of a row depend on that row alone. Neither the number of workers
//     nor the cut into blocks nor the other rows of a call change them: every sum
//     runs in an order that only the operator's shape sets.
//   - Nothing spins: a worker without work is parked.
//   - Run may be called from several goroutines. Each call takes part in its own
//     work, so calls never wait for each other's.
//
// Memory is taken from a pool and not cleared. What a tensor held before it was
// written is undefined.
package cpu
