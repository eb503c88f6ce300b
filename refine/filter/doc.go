// Package filter holds the published rules that decide whether a document is
// fit for training: Gopher quality and repetition, C4, FineWeb, the Chinese
// settings of FineWeb2, ChineseWebText and data-juicer's Chinese recipe. Each
// filter is a refine.Step whose fields are its settings.
//
// Terms:
//
//   - rule: one comparison of a measured value with a threshold. Its name stands
//     in Verdict.Drop.Rule and among the names of Verdict.Scores.
//   - word: what package text/segment finds in the language of the settings:
//     punctuation marks are words too, as in the tools that the thresholds come
//     from.
//   - character: a Unicode code point.
//
// Invariants: the values are measured as the publishers' programs measure
// them, so that their thresholds mean what they meant; a rule whose threshold
// is zero is off, unless the field says otherwise; the first rule that is
// broken, in the order of the fields, is the reason of the drop; all values
// that a document allows to measure are in Scores, kept or not.
//
// The constants and their sources are in the table of this package's presets
// (presets.go). Filters that run in a row share one reading of the document:
// see Fuse. What belongs elsewhere: duplicates across documents, personal data,
// the cut of spam lines, and the order of steps (recipes).
package filter
