// Package train turns a model and token sequences into an adapter or a
// checkpoint.
//
// A [Sequence] is tokens with a weight for each: the weight of a token's loss
// when it is predicted from those before it. Sequences are shuffled each epoch,
// packed into micro-batches where each sees itself alone, and Accumulate
// micro-batches make one optimizer step of AdamW with warm-up, cosine decay and
// clipping by the global norm.
//
// Everything a step does follows from the step's number, the seed and the saved
// state, so a run that was killed anywhere and resumed gives the same bits as one
// that was not, on any number of threads.
package train
