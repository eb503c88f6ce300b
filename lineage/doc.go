// Package lineage records what was made from what: which datasets, models and
// recipes went into an artefact. Records are only ever added.
//
// Terms:
//
//   - artefact: anything that a digest names: a raw document, a dataset
//     version, an adapter, a report.
//   - record: one artefact, how it was made, and the artefacts it was made
//     from, each with the role it played.
//
// Invariants: a record is written in the transaction of the work it tells of,
// or not at all; the same record twice is one; none is changed or removed, so
// that the ancestors of an artefact never change once it is there.
//
// The bytes of artefacts are in store.Blobs; rights in them are for package
// exchange.
package lineage
