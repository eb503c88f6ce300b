// Command infer measures reading a prompt and writing an answer beside llama.cpp's
// llama-bench: the same GGUF file, the same threads, in turn. The files are of the shape
// of Qwen2.5-0.5B with random weights, in each of the formats named, and are written
// when they are not there.
//
// It also times a loop that does nothing but read as many bytes as the file has, between
// the two, which is what writing one answer at a time cannot be faster than.
//
//	go run ./bench/infer -troika bin/troika -peer llama-bench -depth 2048
//	go run ./bench/infer -disturb                            # beside a loop on a processor
//	go run ./bench/infer -clients 8 -prompt-tokens 128 -server llama-server
//
// With an empty -peer, -disturb measures our side alone; so does -clients without -server.
package main
