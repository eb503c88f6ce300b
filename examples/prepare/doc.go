// Command prepare makes the training data of the worked examples from raw data: rules
// over real text, no text of our own but the questions.
//
//	prepare tools -goroot DIR -out DIR          calls of functions, from Go's packages
//	prepare texts -songs FILE -out DIR          songs of Yuan drama
//	prepare pairs -refined DIR -out DIR         translations, from troika refine
//	prepare preferences -pages DIR -out DIR     a page's title, before another's
//
// Each writes train.jsonl, validation.jsonl and test.jsonl. What one page, package or
// play gives is in one of them, with its near-duplicates and translations.
package main
