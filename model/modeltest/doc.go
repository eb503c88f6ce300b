// Package modeltest is the suite that every architecture passes: logits equal to
// those of the reference implementation, and the same bits whether a sequence
// runs whole, in chunks, token by token through a cache, or beside others.
package modeltest
