// Package parquet reads the rows of Parquet files, and writes such files.
//
// Terms:
//
//   - row group, column chunk, page: the pieces of a file, in that order. A page
//     is the least that can be decoded.
//
// Values become text: strings as they are; numbers and booleans as in JSON;
// dates and times as in RFC 3339; decimals in digits; lists, maps and groups as
// JSON, in which keys are sorted; bytes that are no UTF-8 in base64. Nulls are
// left out of a row.
//
// Invariants: the headers of all pages are looked at before the first is
// decoded, so that no more than a page of each column is in memory and no page
// is larger than its bound. A broken file is an error that names row group or
// page, with the rows before it read.
//
// Encrypted files are left out.
package parquet
