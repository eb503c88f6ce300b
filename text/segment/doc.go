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
// The tables are facts taken from pinned packages by tables.py: which English
// chunks are split where and which characters belong to which class (spaCy,
// MIT), and the weight of each Chinese word that can stand on a best path
// (jieba, MIT). A smaller default beside a dictionary that is fetched was
// weighed and left: the thresholds are meant for jieba's words, every missing
// word moves boundaries, and the tables hold facts in a form of our own, without
// part-of-speech tags and without the words that jieba itself always splits, in
// 1.3 MB. The notices of both licences are in NOTICE.
//
// What belongs elsewhere: package text has the words of every script without
// dictionaries, for comparing and indexing.
package segment
