// Package troika holds the nouns that every other package shares: digests of
// content, the identity of parties and objects, what a piece of work may use
// data for, and the error codes that cross package borders.
//
// It imports the standard library alone and does no I/O. Everything here is a
// value: safe to copy and to use from several goroutines.
package troika
