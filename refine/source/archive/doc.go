// Package archive lists the members of zip and tar files without trusting
// them: names are cleaned and never used to open files, links and encrypted
// members are refused, and the number of members is bounded.
//
// Terms:
//
//   - member: a regular file in an archive. Folders are no members.
//
// Invariants: members come in the order of the archive; no two have the same
// name; a member that is refused comes as an error with its name, and the ones
// after it follow. Nothing is decompressed but what the caller reads: it is the
// caller who bounds that.
//
// Archives that span several files, and formats other than zip and tar, are
// left out.
package archive
