// Package checkpointtest is the contract suite for implementations of
// [checkpoint.Reader] and [checkpoint.Writer]: a format's test hands it a way
// to write and to read back, and the suite checks what package checkpoint
// promises: order, exact bytes, errors that can be told apart.
//
// It is for tests only. What is particular to a format (its broken files, its
// golden files) is tested beside the format.
package checkpointtest
