// Package page writes an evaluation as one HTML file that needs nothing else: no script,
// no font, no picture, no network.
//
// A page shows how a model did beside its base with 95 % intervals, where it gained and
// lost, the losses of its training, what both answered, and the chain that its answers
// hang on: raw sources, steps, dataset version, adapter, evaluation, release. It is in
// English and Chinese; a switch shows the one or the other.
//
// Invariants: the same content gives the same bytes; whatever stands in the texts, the
// file holds no markup but the package's own.
//
// Measuring is for package eval, and finding files for the caller.
package page
