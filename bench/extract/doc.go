// Command extract measures refine/extract and text/charset, and fits the model
// of the first.
//
//	bench/extract/fetch.sh DIR              fetch the text, at pinned versions and checksums
//	cd bench/extract
//	go run -mod=mod . gold                  F1 and speed on the gold pages, beside go-trafilatura
//	go run -mod=mod . quick                 the same without the peer
//	go run -mod=mod . cross DIR             F1 on all gold pages, each judged by a model of other sites
//	go run -mod=mod . documents DIR         how much of the text of Chinese manuals is found
//	go run -mod=mod . encodings DIR         snippets of 20 characters in undeclared encodings
//	go run -mod=mod . train DIR > ../../refine/extract/trees.go
//
// Gold is what go-trafilatura's own comparison holds: some thousand pages, each
// with segments that must be in the text and segments that must not. Scores are
// as that comparison counts them. Half of the pages, by a hash of their file's
// name, fit the model; the other half is held out. train writes the same bytes
// whenever it runs on the same pages.
//
// It is a module of its own so that the peer's dependencies stay out of
// Troika's. Speeds are of processor time on one thread.
package main
