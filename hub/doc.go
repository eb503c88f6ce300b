// Package hub brings models onto this machine: it speaks the Hugging Face hub
// protocol and keeps what it pulled in the local model store.
//
// Terms: a [Ref] names a model and a revision (a branch, a tag or a commit); a
// commit is the 40-digit id that the hub resolves a revision to; an object id
// is what the hub says a file's content is: the SHA-256 of large (LFS, Xet)
// files, the git blob SHA-1 of the others; a part is a file half-way here.
//
// Layout of a [Store]:
//
//	ORG/NAME/COMMIT/...             the files, as the repository names them
//	ORG/NAME/manifests/COMMIT.json  the files with their digests, written last
//	ORG/NAME/refs/REVISION          the commit a revision meant when it was pulled
//	ORG/NAME/.pull/                 parts, and checked files that wait for their place
//	ORG/NAME/.lock                  held while a pull is under way
//
// Invariants: a commit without a manifest does not exist for any reader; no
// file is placed before its content equals its object id; names from the hub
// are checked before they touch the disk; the token goes to the endpoint's own
// host and nowhere else, and into no message; nothing that is pulled is ever
// executed or unpickled.
//
// What the files mean belongs to package bundle. The environment (endpoint,
// token) is read by cmd.
package hub
