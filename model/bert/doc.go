// Package bert is the architecture of BERT's encoder, as bge, e5, MiniLM and other
// models for embeddings have it.
package bert
