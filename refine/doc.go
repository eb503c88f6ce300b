// Package refine turns raw documents into clean ones: it finds the text in a
// format, removes what surrounds it, and says where each text came from.
//
// Terms:
//
//   - document: one text with its label, language, source and group.
//   - source: the path of the raw file, with "#" and a part of it where one
//     file holds several documents.
//   - group: documents that must never be told apart by a split, such as a page
//     and its translation. The empty group stands for the document alone.
//   - failure: a raw document that could not be used, with its file and line
//     and the reason. Failures never stop the others.
//
// Invariants: the same bytes give the same documents in the same order, on
// every machine; text leaves normalised (text.Normalize) and valid UTF-8; every
// read is bounded; nothing is dropped without a Failure that names it.
//
// Formats are subpackages: refine/html reads pages, refine/godoc the
// documentation in Go sources. Which documents are kept, how they are split
// and how they are stored is for package dataset.
package refine
