// Package translation measures translations by what they share with references:
// BLEU (Papineni et al., 2002) and chrF++ (Popović, 2017), with the numbers that
// sacreBLEU 2.6.0 gives.
//
// Terms:
//
//   - hypothesis: the translation to be measured; reference: the right one.
//   - n-gram: n words, or n characters, in a row.
//   - corpus score: counts are summed over all sentences before they are put into
//     a formula. It is not the mean of sentence scores.
//
// A [Corpus] keeps the counts of each sentence, so that a bootstrap can score any
// sample of the sentences without counting again: Statistic goes into
// eval.Bootstrap and eval.Paired.
//
// One reference a sentence; case counts; smoothing is exponential (sacreBLEU's
// "exp"). Japanese and Korean tokenizers, which need dictionaries, are left out.
package translation
