// Package store keeps the record and the content: a DB of small rows and Blobs
// of bytes named by their digests.
//
// Terms:
//
//   - owner: the package whose tables they are. Each owner has its own
//     migrations and its own version table; none reads another's tables.
//   - blob: immutable bytes named by their SHA-256. The same bytes put twice
//     are one blob.
//
// Invariants: a transaction that returned nil is durable; what a crash leaves
// behind is either there whole or not at all; a blob whose bytes no longer fit
// its name is an error to read, never silently different data. Blobs come
// first, then the row that names them, so that a row never names a blob that
// is not there.
//
// Drivers are subpackages: store/sqlite opens a DB in one file, store/disk
// keeps blobs in a folder. The suite that every driver passes is
// store/storetest. What rows mean is up to their owners.
package store
