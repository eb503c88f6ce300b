// Package hubtest is a hub to test against: an HTTP handler that serves
// repositories from an [fs.FS] as the Hugging Face hub does, with a second
// handler for the storage host that large files are redirected to, a record of
// every request, and faults on demand.
//
// It follows what the official Python client sees: model info and tree with
// pages, resolve with the X-Repo-Commit, X-Linked-Etag and X-Linked-Size
// headers, error codes in X-Error-Code; that client passes against it, see
// hub/testdata/interop.py. Uploads, datasets and spaces are not served.
//
// It is for tests only.
package hubtest
