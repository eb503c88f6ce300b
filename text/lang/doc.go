// Package lang identifies the language of a text: by a small model that is part
// of the program, or by any supervised fastText model.
//
// Terms:
//
//   - tag: a BCP 47 language tag, such as "de" or "zh-Hant".
//   - guess: a tag with a score from 0 to 1; the scores of one text sum to 1.
//   - feature: a run of one to four letters of a word in brackets, hashed to a
//     row of the model's matrix.
//
// Invariants: the same text gives the same guess on every platform (the built-in
// model sums integers); models are read-only once read and safe for concurrent
// use; a file that is no model is refused with a reason, and never takes more
// memory than it has bytes, a constant apart.
//
// The built-in model tells 50 languages apart by script and by letters. It is
// trained by train.go, which is committed beside it, on translated messages of
// free programs; the matrix of numbers is all that is kept of them. The texts it
// is tested on (bench/lang) come from other packages. Chinese is told into
// Simplified and Traditional by package text/script.
//
// What belongs elsewhere: which languages and scores a recipe wants (package
// refine/filter).
package lang
