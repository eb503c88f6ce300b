// Package gguf turns the tokenizer that a GGUF file holds as metadata into a
// tokenizer.json, which package tokenizer loads, and back.
//
// Terms: the kind (tokenizer.ggml.model) is "gpt2" for byte-level BPE, which lists
// its merges, "llama" for SentencePiece, whose merges follow from the scores of tokens,
// "bert" for WordPiece, or "t5" for SentencePiece's Unigram. A byte-level tokenizer names how text is cut into pieces by its pre kind
// (tokenizer.ggml.pre).
//
// Invariants: the ids are those of the Hugging Face tokenizer that the file was made
// from, and so those of llama.cpp for text in Unicode's normal form C: some models
// normalise, which llama.cpp does not, and but for words of more than 100 characters,
// which are unknown to WordPiece and taken apart by llama.cpp. A file that embeds its tokenizer.json
// (tokenizer.huggingface.json) gives that one. Kinds and pre kinds that are not
// known are errors that name them.
//
// Chat templates are left to package bundle, and reading the file to
// checkpoint/gguf.
package gguf
