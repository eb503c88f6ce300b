// Package computetest is the contract of a compute device as a test suite. A new
// device passes when
//
//	computetest.Run(t, func(t testing.TB, s computetest.Setup) compute.Device { ... })
//
// does. The suite holds each operator's results against the reference, which
// sums in float64, over sizes that are no multiples of anything; checks
// gradients by finite differences; and demands the promises that need equal
// bits: a row alone and among others, one worker and several, one run and the
// next, a sequence whole, in chunks and token by token through a cache.
//
// A row of the table is a trial: an operator with its attributes and inputs, and
// the tolerance of its results. An operator that a device does not support is
// logged, and [Matrix] prints all of them.
//
// Gradients are checked operator by operator, without a tape: package autograd
// stands above this one and has tests of its own.
package computetest
