// Package filemap gives the readers of checkpoint formats the bytes of a file:
// mapped where the system can, so that they cost nothing until they are touched,
// and read on demand elsewhere.
//
// Invariant: bytes that were handed out stay valid until Close, and are read-only.
// What they mean is left to the formats.
package filemap
