// Command tokenizer measures how fast package tokenizer encodes on one thread,
// beside Hugging Face tokenizers in the same minutes.
//
//	go run ./bench/tokenizer -python PYTHON TOKENIZER.JSON TEXT...
//
// PYTHON is an interpreter that has the package tokenizers; without it only Go
// is measured. Rounds alternate, and each encodes every text once, in documents
// of the given size, as a serving process does; medians are printed. Peer:
// bench/tokenizer/peer.py.
package main
