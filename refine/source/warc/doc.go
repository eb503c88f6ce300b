// Package warc reads what crawlers write: WARC files (ISO 28500, versions 1.0
// and 1.1), plain or compressed record by record, and the HTTP answers in them.
//
// Terms:
//
//   - record: a header and a block of bytes. Records are numbered from 1.
//   - payload: the block of a resource or conversion record; the body of the
//     HTTP answer in a response record, without its transfer and content
//     encoding.
//
// Invariants: one record is held at a time, and at most the limit of it. A
// record that is broken, cut off or over the limit is an error with its number,
// and reading goes on at the next record that can be found: at the next gzip
// member, or at the next line that begins with "WARC/".
//
// Payloads that were cut by the crawler (WARC-Truncated) are errors. Records
// that continue others (WARC-Segment-Number), ARC files and Zstandard files
// with a dictionary of their own are left out. Checksums of the records are not
// checked; those of gzip are.
package warc
