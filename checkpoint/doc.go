// Package checkpoint is the contract between models and the files that hold
// their weights: named tensors in, named tensors out.
//
// Terms: a checkpoint is a set of tensors, each with a unique name, and a flat
// map of text metadata. A plan is the list of entries (name, dtype, shape) a
// writer will be given, because most formats put their directory first.
//
// Invariants: names are unique and not empty; [Reader.Names] is sorted, so that
// nothing downstream depends on map order; a reader either delivers exactly the
// bytes that were stored or an error.
//
// Formats live in subpackages (checkpoint/safetensors, ...), and each of them
// passes the suite in checkpoint/checkpointtest, as [Memory] does. What the
// names mean belongs to package model; device layouts belong to compute.
package checkpoint
