// Command filter measures the published filters of package refine/filter on one
// thread, and writes down what they decide.
//
//	go run ./bench/filter -lang en|zh [-decisions FILE] DOCUMENTS.JSONL
//
// A line of the input is {"id", "text"}. The filters are FineWeb's for English
// and FineWeb2's for Mandarin, in the order of their pipelines. The peer,
// peer.py, runs datatrove's filters with the same thresholds over the same
// documents; run.sh fetches it and the documents, runs both and compares what
// they keep.
package main
