// Command steps measures the text steps of the refinery on one thread: each of
// them over every document, and all of them in the order of the recipes web-en
// and web-zh, where a document that is dropped goes no further.
//
//	go run ./bench/steps -lang en|zh DOCUMENTS.JSONL
//
// A line of the input is {"id", "text"}. Reading, extraction, the index of
// near-duplicates and writing are no text steps and not counted; speeds are of
// processor time, and of the bytes of all documents.
package main
