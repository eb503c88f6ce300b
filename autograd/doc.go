// Package autograd records what a model computes and runs the gradient backwards
// through it.
//
// A [Tape] is a [compute.Ops]: the same forward code that serves a model also
// trains it. The tape keeps a tensor only while some gradient still needs it, so
// memory falls as the backward pass proceeds. Gradients themselves are defined
// beside each operator in package compute.
//
// Sums of gradients run in the reverse order of recording, so the same program
// gives the same bits on every run. A tape belongs to one goroutine and to one
// forward and backward pass.
package autograd
