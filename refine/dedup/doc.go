// Package dedup finds texts that say the same: exact duplicates by the hash of
// their folded form, near-duplicates by MinHash and locality-sensitive hashing.
//
// Terms:
//
//   - unit: what is compared, a document or one of its paragraphs, known by a
//     number. Numbers follow the order of the corpus: of equal units the one
//     with the smallest number stays.
//   - key: a hash that a unit shares with its duplicates. An exact comparison
//     has one key a unit, a MinHash one has a key for each band.
//   - scope: units are only ever compared within a scope, such as a language.
//   - cluster: units that are joined by shared keys, directly or through others.
//
// A Signer turns a text into keys. An Index takes numbers with their keys,
// sorts them band by band, in files where they do not fit in memory, and lists
// the Members of clusters. A runner signs in any number of goroutines, adds in
// any order, and reads the members beside its documents, both in ascending
// order.
//
// Invariants: the clusters depend on the set of units and their keys alone,
// neither on the order in which they were added nor on the memory that was
// granted; the rows held in memory and the buffers of files stay within the
// grant.
//
// What it leaves to others: reading and writing documents, numbering them, and
// which splits near-duplicates may share (package dataset).
package dedup
