// Package recipe maps the checkpoints of an architecture between Hugging Face's
// layout and GGUF: names and order of numbers of every tensor, and config.json
// against metadata.
//
// Terms: a [Rule] ties one kind of tensor in both layouts, with a [Step] where the
// numbers are ordered or shifted otherwise; a [Recipe] is the rules of one
// architecture and its two views of the configuration. Forward is towards GGUF.
//
// Invariants: each step has an inverse, and one way and back gives the same bits
// wherever GGUF can hold them; a tensor that no rule names is an error that names
// it; steps move whole rows or blocks, so that quantised tensors pass unchanged.
//
// Which recipe belongs to an architecture is said in the architecture's folder. What
// GGUF cannot hold is kept by package bundle.
package recipe
