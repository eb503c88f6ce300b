// Package bundle opens a model as people share it: a Hugging Face directory with
// configuration, tokenizer, chat template, generation defaults and weights, or a GGUF
// file with all of them as metadata and tensors.
//
// Opening reads the small parts and checks them; weights are loaded onto a device
// by [Bundle.Load], or by [OpenModel] at the same time. A Bundle is immutable and safe for concurrent use.
package bundle
