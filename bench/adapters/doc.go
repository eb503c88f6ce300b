// Command adapters measures what adapters of many tenants cost a step of decoding: eight
// sequences at a depth, once with the base alone and once with eight different adapters
// out of many, in turn, so that no adapter is found in a cache.
//
//	go run ./bench/adapters -model .cache/qwen2.5-0.5b-shape-q8_0.gguf
//
// The adapters are random, of rank 16 on every linear layer, their values those of F16.
// bench/infer writes the model.
package main
