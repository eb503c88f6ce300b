// Package text holds pure functions over text: Unicode normalisation, word
// segmentation, shingles, MinHash signatures, Jaccard similarity and excerpts.
//
// Terms:
//
//   - word: a run of letters, digits and marks of a script that writes spaces,
//     or one character of a script that does not (Han, kana, Thai ...).
//   - shingle: the 64-bit hash of n words in a row. A text's shingle set is
//     sorted and holds no hash twice.
//   - signature: for each of k hash functions the least value over a shingle
//     set; two signatures agree at a position with the probability that is the
//     Jaccard similarity of the sets (Broder, 1997).
//   - band: some rows of a signature hashed together; texts that share a band
//     are candidates for near-duplicates (locality-sensitive hashing).
//
// Invariants: no function keeps state, reads the locale or depends on map
// order; the result depends on the arguments alone, on every platform. All of
// them are safe for concurrent use.
//
// What belongs elsewhere: tokens of a model (package tokenizer), formats and
// rules about documents (package refine), which near-duplicates share a split
// (package dataset).
package text
