// Command infer measures reading a prompt and writing an answer beside llama.cpp's
// llama-bench: the same GGUF file, the same threads, in turn. The files are of the shape
// of Qwen2.5-0.5B with random weights, in each of the formats named, and are written
// when they are not there.
//
// It also times a loop that does nothing but read as many bytes as the file has, between
// the two, which is what writing one answer at a time cannot be faster than.
package main
