// Package eval measures how well predictions match gold labels, and whether
// one system is better than another.
//
// # Terms
//
//   - gold: the right answer of an example.
//   - label: one of a closed set of answers. A prediction outside that set is
//     legal, counts as wrong, and has a column of its own in the [Confusion].
//   - interval: a 95 % percentile bootstrap interval; see [Bootstrap].
//   - paired: two systems judged on the same resampled examples, so that the
//     difficulty of an example cancels out; see [Paired].
//
// # Invariants
//
//   - Every number is a pure function of its arguments: resampling is seeded
//     and each resample has a stream of its own, so neither the number of
//     goroutines nor the order of a map changes a bit.
//   - A statistic of no examples is an error, never NaN.
//
// What runs a model is a [Predictor]; this package does not know how. The
// linear baseline that every table shows is in the subpackage tfidf.
package eval
