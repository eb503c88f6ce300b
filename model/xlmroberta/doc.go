// Package xlmroberta is the architecture of XLM-RoBERTa's encoder, as multilingual e5
// and bge-m3 have it: BERT's, whose positions count from after the padding token's.
package xlmroberta
