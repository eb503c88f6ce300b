// Package qwen3 is the architecture of Qwen3: Llama's decoder with an RMSNorm over
// each head of queries and keys, and no biases. It leaves the mixture-of-experts
// variant to its own package.
package qwen3
