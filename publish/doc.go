// Package publish decides which model answers under a name that clients keep.
//
// Terms:
//
//   - alias: a name that clients ask for, such as helpdesk.
//   - release: a model, known by its digest, that was put behind an alias. The
//     releases of an alias are numbered and never change.
//   - current: the release that answers. Canary: a release on trial, which gets a
//     share of the requests.
//   - gate: what a candidate must show before it becomes current: that it beats the
//     current model on a metric by a margin, with confidence.
//   - parity: that serving computes what training did, to the bit: template, token
//     ids, base, logits. The trainer records a few conversations with its adapter, and
//     the proof puts them through the serving engine.
//   - verdict: what the gate said, kept with the release.
//
// Invariants: an alias changes in one transaction, so that every request sees one
// state or the next; a candidate that the gate refused is not recorded as a release;
// which requests a canary gets is a function of their ids; going back needs no
// file and no measurement.
//
// Measuring models is for package eval, and answering for package serve.
package publish
