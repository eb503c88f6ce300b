// Package llama is the architecture of Llama 2 and 3, TinyLlama and SmolLM2, and of
// Mistral, which adds a sliding window.
package llama
