// Package pdf makes Markdown of PDF documents: headings, paragraphs and list
// items, in the order in which the document draws them.
//
// Terms:
//
//   - engine: PDFium, compiled to WebAssembly and run by wazero. It needs no C
//     code at build time, its memory is bounded, it sees no files and no network,
//     and a crash in it is an error of the document that it read.
//   - line: what stands on one line of a page. Its size is the height of its
//     characters with the room that the font asks for.
//   - body size: the size in which most characters of a document are set. Lines
//     well over it are headings.
//
// What is kept: the text that a reader could copy, through ToUnicode maps and the
// character collections of fonts that are not embedded. Lines are joined to
// paragraphs by their distance, indent and width; words that are hyphenated at a
// line's end are joined; page numbers and lines that stand at the same end of
// most pages are left out.
//
// What is left out: text in pictures (a scanned document is ErrNoText), tables
// as tables (their cells come line by line), forms, notes, attachments.
//
// Invariants: the same bytes give the same text; memory is bounded by
// MaxMemory for each document that is read at a time and by some 350 MB while the
// engine is compiled, time by Options.Seconds.
package pdf
