// Package source finds what there is to refine: it walks files, folders,
// compressed files and archives, however nested, and yields one Item for each
// page, text, document or row of a table that lies in them.
//
// Terms:
//
//   - input: a file or folder that was named by the caller.
//   - item: one page or text (a Body) or one row (Fields).
//   - member: a file within an archive. Its path is the archive's, "!" and its
//     own name: docs.zip!manual/page.html.
//   - part: a place within a file, written after "#": the line of a JSONL file
//     or of a CSV record, the row of a Parquet file, the sheet of a workbook,
//     the record of a WARC file. crawl.warc.gz#12, book.xlsx#Sheet1:3.
//   - row: a JSON object, or what stands in one row below a table's header.
//
// Formats: HTML, Markdown, plain text, PDF, DOCX, XLSX, CSV and TSV, JSONL,
// Parquet, WARC; zip, tar; gzip, zstd and bzip2 around any of them. A format is
// told by the ending of the name, and by the first bytes where the name tells
// nothing. What each reader leaves out is said in its package.
//
// Invariants: the same bytes under the same names give the same items in the
// same order. An item that cannot be read is a [refine.Failure] that names it,
// and the rest goes on. Memory is bounded by [Limits], whatever the size of an
// input or what a compressed file claims to hold; nothing is extracted to disk.
// Names of members are never used to open files.
//
// Decoding the charset of a page, finding its main content and everything else
// that changes a text is left to later steps.
package source
