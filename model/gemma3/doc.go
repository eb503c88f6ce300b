// Package gemma3 is the architecture of Gemma 3's text models: Qwen3's decoder with a
// norm after attention and MLP too, norms that add one to their scales, scaled
// embeddings, and two kinds of layers: most see a window and rotate by frequencies of
// their own, every sixth sees all positions.
//
// Embeddings are multiplied by the root of hidden_size in float32, as llama.cpp does
// and transformers where it computes in float32; in bfloat16 transformers rounds it.
// Models that take images, and logits that are capped, are refused.
package gemma3
