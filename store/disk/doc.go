// Package disk keeps blobs in a folder: DIR/ab/abcdef..., named by the digest's
// hexadecimal digits. A blob is written to DIR/tmp, synced, renamed and its
// folder synced, so that it is there whole or not at all after a crash.
// Several processes may share the folder.
//
// It does not stand on gocloud.dev's fileblob, which renames without syncing:
// after a power cut a name could stand for an empty file.
package disk
