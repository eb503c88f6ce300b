// Package segment splits text into words the way that the published rules about
// training text expect: English as spaCy's tokenizer does, Chinese as jieba
// does. A threshold such as "at most 0.1 of the words" means what its authors
// measured only under the same words.
//
// Terms:
//
//   - word: a piece of the text without white space around it. Punctuation
//     marks are words of their own.
//   - chunk: what stands between white space.
//   - affix: a mark at the edge of a chunk that is split off as a word.
//   - special: a chunk that is split in a way of its own, such as "don't".
//   - graph: all dictionary words of a Chinese run; its best path is the one
//     of the greatest product of word frequencies.
//
// Invariants: words come in the order of the text, do not overlap, and leave
// out white space alone; the result depends on the text alone; all functions
// are safe for concurrent use. Tables are unpacked once, on first use.
//
// What the English rules need is part of the package: english.gz holds facts
// about the reference, which chunks it splits where and which characters it
// counts to which class, taken from spaCy (MIT, see NOTICE) by english.py. The
// Chinese dictionary is not: scripts/tables.sh derives it from jieba's (MIT), of
// a pinned package, into the folder tables, and without it [Chinese] says that
// it is missing. The table leaves out what can stand on no best path: part-of-speech
// tags, and words that jieba itself always splits.
//
// What belongs elsewhere: package text has the words of every script without
// dictionaries, for comparing and indexing.
package segment
