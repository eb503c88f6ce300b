// Package gguf reads and writes GGUF, the model format of llama.cpp: versions 2 and
// 3, little-endian, in one file or split into several.
//
// A file is a header (magic, version, counts), metadata (ordered, typed key-value
// pairs: [Metadata]), one description for each tensor (name, extents innermost
// first, type, offset), padding up to the alignment, and the tensors' bytes, each
// aligned. Shapes are given here as everywhere in this module: outermost first.
//
// Invariants checked on opening: nothing is allocated by a number that the file
// merely claims; keys and names come once; every tensor has a known type, whole
// blocks in a row, an aligned offset, and bytes of its own within the file. A tensor
// whose type is known to ggml but not to package tensor stays closed: asking for it
// is an error that wraps [ErrType] and names tensor and type.
//
// The writer's output is a function of metadata and tensors alone, laid out as
// llama.cpp demands: tensors in the order of the plan without gaps but padding.
//
// The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. What keys
// and names mean is left to packages model and bundle, tokenizers to
// tokenizer/gguf.
package gguf
