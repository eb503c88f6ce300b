// Command pii measures refine/pii: precision and recall by kind on generated
// lines, and speed beside Go's regular expressions on the same text.
//
//	python refine/pii/testdata/generate.py 20000 5 >lines.jsonl
//	go run ./bench/pii lines.jsonl [TEXT...]
//
// Speeds are of processor time, on one core.
package main
