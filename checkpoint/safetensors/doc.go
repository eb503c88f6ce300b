// Package safetensors reads and writes the safetensors format, as a single file
// or as shards with a model.safetensors.index.json.
//
// A file is 8 bytes with the header's length (little-endian), the header (JSON:
// name -> dtype, shape, data_offsets; text under "__metadata__"), and the
// tensors' bytes. The offsets count from the end of the header.
//
// Invariants checked on opening, each with an error of its own: the header is
// at most [MaxHeader] bytes of strict JSON, no name comes twice, every dtype is
// known, every span has exactly the bytes its shape needs, and the spans cover
// the data without overlap, gap or rest. Nothing is allocated by a number that
// the file merely claims.
//
// The writer's output is a function of its tensors and metadata alone, and the
// same bytes the reference library writes: the header padded with spaces to 8
// bytes, tensors ordered by falling dtype, then by name, so that each is
// aligned to its element size.
//
// The format: https://huggingface.co/docs/safetensors. Dtypes below one byte
// and complex numbers are refused by name. What tensors mean belongs to model.
package safetensors
