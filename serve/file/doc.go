// Package file keeps the files that clients send, and serves OpenAI's files and
// uploads:
//
//	POST   /v1/files                    a form with file, purpose, expires_after
//	GET    /v1/files                    pages, in either order, of one purpose or all
//	GET    /v1/files/ID[/content]       what it is; its bytes
//	DELETE /v1/files/ID
//	POST   /v1/uploads                  a file to come in parts
//	POST   /v1/uploads/ID/parts         a form with data
//	POST   /v1/uploads/ID/complete      the order of the parts, and an MD5
//	POST   /v1/uploads/ID/cancel
//
// # Terms
//
//   - content: the bytes of a file or part, kept as a blob under its digest. Two
//     files of the same bytes share it.
//   - staged: content that is stored and that no file names yet.
//
// # Invariants
//
//   - Content is streamed: no more than a few buffers of it are in memory.
//   - A file is there whole or not at all: its content is durable before its row.
//   - Content that nothing names is removed, also what a kill left behind.
//   - The blobs belong to the store alone. A dataset that was made from a file has
//     copies of its own, so that deleting the file takes nothing from it.
//
// All keys of a server see all files: they are one organisation's. What a file holds
// is the matter of whoever uses it.
package file
