// Package fsx holds the few file operations on which durability rests: writing
// a file so that it is there as a whole or not at all, making a rename survive
// a power cut, and keeping two processes out of one directory.
//
// Invariants: after [Pending.Commit] returns nil, name holds the new content
// even if the machine stops at once; until then it holds the old content. A
// [Lock] is advisory, belongs to one open file, and dies with its process.
//
// It imports the standard library and the system-call package alone.
package fsx
