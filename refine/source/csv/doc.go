// Package csv reads tables whose rows are lines and whose cells are separated
// by a character: CSV, TSV and their relatives (RFC 4180 and what people write
// instead).
//
// Terms:
//
//   - comma: the character between cells, whichever it is.
//   - record: the cells of one row; a cell in quotes may hold line ends, so that
//     a record has one line or several.
//
// Invariants: memory is bounded by the limit on a record; time is linear in the
// input, quotes that are never closed included. A record that cannot be read is
// an error with its line, and the records after it follow.
//
// Decoding is left to the caller: the input is UTF-8. What a header and a row
// mean is, too.
package csv
