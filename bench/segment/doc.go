// Command segment measures text/segment's Chinese words beside jieba's, with
// HMM off, on one thread: the share of word boundaries that both have, and speed.
//
//	python bench/segment/peer.py DOCUMENTS.JSONL WORDS.JSONL
//	go run ./bench/segment -peer WORDS.JSONL DOCUMENTS.JSONL
//
// A line of the documents is {"id", "text"}. Speeds are of processor time; the
// peer prints its own.
package main
