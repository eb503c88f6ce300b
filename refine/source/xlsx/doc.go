// Package xlsx reads the rows of Excel workbooks (ECMA-376, SpreadsheetML).
//
// Cells are rendered as Excel shows them, dates and numbers by their format; a
// formula is the value that was last computed for it, empty where none was.
// Of merged cells the first holds the value and the others are empty. Hidden
// sheets, rows and columns are read like others. Comments, charts, pictures and
// chart sheets are left out.
//
// Invariants: memory is bounded by the size of the file, which is held whole,
// and of its parts; sheets over 4 MiB are unpacked into a temporary file, which
// is removed at the end. Rows come sheet by sheet, from top to bottom; rows
// without a value are left out.
//
// Encrypted workbooks and those of Excel before 2007 are left out.
package xlsx
