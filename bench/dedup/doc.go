// Command dedup measures refine/dedup.
//
//	go run ./bench/dedup                    found pairs against theory; F1 on generated abstracts
//	go run ./bench/dedup -shard S.jsonl TEXT...   write a shard with duplicates made from TEXT
//	go run ./bench/dedup -run S.jsonl -kept OURS.txt [-python PY]
//
//	go run ./bench/dedup -units 5000000 -memory 64   peak memory of an index
//
// The third one removes near-duplicates from the shard, on one core, and with
// -python does the same with datatrove (peer.py) and compares what is kept. Speeds
// are of processor time.
//
// Generated abstracts follow the CORE 2020 set on which text-dedup reports: a
// third without a duplicate, the others with exact copies or with copies that
// differ by edits of words, punctuation, case or a cut end; the score is the macro
// F1 of "has a duplicate" over documents.
package main
