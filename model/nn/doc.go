// Package nn has the building blocks of architectures: linear layers with the
// hook through which adapters act, norms, embeddings, the decoder block that most
// open models share, and the loader that fills them from named tensors.
//
// A block is built by a [Loader] in one of two modes. Frozen weights are prepared
// for the device in their own dtype and cannot change: serving, and tuning with
// adapters. Trainable weights are plain F32 tensors: pre-training.
//
// Tensor paths are Hugging Face's, verbatim. A tensor that nothing asked for is
// an error that names it.
package nn
