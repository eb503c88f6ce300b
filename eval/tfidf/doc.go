// Package tfidf is the linear baseline that a tuned model has to beat: TF-IDF
// weights of word and character n-grams, and multinomial logistic regression.
//
// # Terms
//
//   - word n-gram: n neighbouring words, a word being two or more letters,
//     digits or underscores.
//   - character n-gram: n neighbouring characters within a stretch of text
//     without white space, one blank added on either side. These carry Chinese,
//     whose words no blank separates.
//   - block: the n-grams of one of the two kinds; each block of a document is
//     scaled to unit length on its own.
//
// The features are those of scikit-learn's TfidfVectorizer (analyzer "word" and
// "char_wb", joined by a FeatureUnion) and the objective is that of its
// LogisticRegression for three or more classes; a golden test holds both to it.
//
// # Invariants
//
//   - Training is a pure function of the examples, their order and the
//     [Options]; neither the number of threads nor map order changes a bit.
//   - The optimum is unique, so the order of the examples moves the scores by
//     no more than the solver's tolerance.
//
// Splitting the data and scoring the answers is left to package eval.
package tfidf
