// Command filter measures the published filters of package refine/filter on one
// thread, and writes down what they decide.
//
//	python bench/filter/peer.py en|zh DOCUMENTS.JSONL DECISIONS.JSONL
//	go run ./bench/filter -lang en|zh [-peer DECISIONS.JSONL] [-decisions FILE] DOCUMENTS.JSONL
//
// A line of the input is {"id", "text"}. The filters are FineWeb's for English
// and FineWeb2's for Mandarin, in the order of their pipelines. The peer,
// peer.py, runs datatrove's filters with the same thresholds over the same
// documents; -peer compares what they keep. bench/refinery.sh fetches documents and
// peer and runs both. Speeds are of processor time.
package main
