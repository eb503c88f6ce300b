// Package compute is the border between models and chips: the operator set,
// the handles to device memory, and the interface that a chip implements.
//
// An operator is a small value that describes what to do, such as
// [RMSNorm] or [Attention]. Its file holds everything that defines it: the
// shapes it takes, its meaning in plain Go (the reference) and its gradient in
// terms of other operators. A [Device] runs operators; [Ops] is what a model
// sees, and has two implementations: [Eager], which runs at once, and the tape
// of package autograd, which also records what the gradient needs. A model is
// therefore written once and serves training and inference alike.
//
// Index letters: T tokens (rows), C channels, H heads, G key/value heads,
// D channels of a head, V vocabulary, R rank of an adapter.
//
// Invariants that every device keeps:
//   - The bits of a row depend on that row alone: not on how many rows share
//     the call, on chunking, on the number of workers, or on neighbours.
//   - The same inputs give the same bits on every run.
//   - Results are new memory unless the operator says that it works in place.
//
// A mistake in shapes is a programmer's mistake: operators panic with a
// *[ShapeError], which package train and package infer turn into an error at
// their border.
package compute
