// Package meter keeps the record of use: who asked which model for how many
// tokens.
//
// # Terms
//
//   - event: one request that a model worked on; see [Event].
//   - key: the name of the API key that asked, never its secret.
//
// # Invariants
//
//   - An event is counted once, however often it is emitted. The same ID with
//     other amounts is an error: one of the two would be lost.
//   - An event that is emitted within a transaction is there if and only if
//     the work it counts is.
//   - Amounts are integers.
//
// Prices and limits are left to others.
package meter
