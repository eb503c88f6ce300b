// Package bundle opens a model as people share it: a Hugging Face directory with
// configuration, tokenizer, chat template, generation defaults and weights.
//
// Opening reads the small files and checks them; weights are loaded onto a device
// by [Bundle.Load]. A Bundle is immutable and safe for concurrent use.
package bundle
