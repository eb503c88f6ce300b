// Package decontaminate keeps the questions of benchmarks out of training data:
// it drops documents that share runs of words with them and says with which.
//
// Terms:
//
//   - item: a question or text of a benchmark, from a file that the user names.
//   - n-gram: the hash of n folded words in a row (text.Shingler; a Han character
//     is a word).
//   - hit: an item of which a document holds n-grams, with how many of how many.
//   - boilerplate: an n-gram of so many items that it says nothing of any.
//
// Invariants: a Set depends on the items alone, not on the order in which they
// were added or on the layout of their files, and Digest names it; matching is
// exact on folded words, and its result depends on the text and the set alone.
//
// What it leaves to others: getting benchmarks (none come with the program), and
// paraphrases and translations, which n-grams do not find.
package decontaminate
