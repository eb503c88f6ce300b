// Package adapter holds low-rank adapters: small trainable matrices that act on
// the linear layers of a frozen base model.
//
// A [LoRA] adds Alpha/Rank * B(A x) to a layer's result (Hu et al., "LoRA:
// Low-Rank Adaptation of Large Language Models", 2021). A is [Rank, In], B is
// [Out, Rank]; B starts at zero, so a new adapter changes nothing.
//
// A [Set] carries the adapters of one base model by slot: rows of a batch name the
// slot that acts on them, and one matrix product of the base serves them all. The
// bits of a row are the same whoever shares the batch. What is served is a [Frozen]
// copy, prepared for its device, with the bits of the LoRA.
//
// Files are those of the PEFT library: adapter_config.json and
// adapter_model.safetensors, both ways.
package adapter
