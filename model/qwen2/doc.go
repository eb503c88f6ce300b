// Package qwen2 is the architecture of Qwen2 and Qwen2.5: Llama's decoder with
// biases on queries, keys and values.
package qwen2
