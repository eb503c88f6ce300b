// Package infer generates tokens: it keeps the key/value cache, joins requests into
// batches, samples, and streams tokens to their callers.
//
// An [Engine] serves one base model and the adapters in its set. Each step is one
// forward pass over every running sequence: one row for those that decode, a chunk
// of the prompt for those that do not yet. Requests join and leave between steps.
// Because the model's arithmetic gives a row the same bits whatever shares its
// batch, a request's tokens depend on the request alone. For the same reason an engine
// may guess what comes next and check its guesses in one pass: it changes no token.
//
// Who waits is let in by clients in turn, the least served first; when too many wait,
// more are refused at once.
//
// Terms: prefill is the pass over the prompt, decode the passes that follow, one
// token each. A page holds [compute.PageTokens] tokens of one sequence's cache.
package infer
