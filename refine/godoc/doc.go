// Package godoc turns a tree of Go sources into labelled documents: the doc
// comment of every exported symbol, labelled with the area of its package.
//
// The text is the doc comment alone. The signature, the import path and the
// package clause are left out: they name types such as net.Conn and would give
// the label away.
//
// The label comes from the import path by the table in [Areas]; packages that
// several areas could claim (time, sort, log, testing, hash ...) are in no area
// and yield no documents. Package comments are left out too: a package is not
// a symbol.
//
// Sources are read as for GOOS=linux, GOARCH=amd64 without cgo, whatever the
// machine, so that one Go release gives one set of documents everywhere.
package godoc
