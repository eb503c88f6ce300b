// Package qwen3moe is the architecture of Qwen3's mixtures of experts: Qwen3's decoder,
// in which a router chooses for each token the few experts whose MLPs it passes. Layers
// may keep the plain MLP (decoder_sparse_step, mlp_only_layers).
//
// The balancing loss of the router belongs to pretraining and is left out.
package qwen3moe
