// Package page writes an evaluation as one HTML file that needs nothing else: no script,
// no font, no picture, no network.
//
// A page shows how a model did beside its base with 95 % intervals, where it gained and
// lost, the losses of its training, what both answered, and what it was made from.
//
// Invariants: the same content gives the same bytes; whatever stands in the texts, the
// file holds no markup but the package's own.
//
// Measuring is for package eval, and finding files for the caller.
package page
