// Package model defines what an architecture is to the rest of the program: a
// folder that reads its config.json and builds a [Model] from named tensors.
//
// [Model.Forward] is the one definition of the computation. Training runs it on a
// tape, serving runs it eagerly with a key/value cache; both give the same bits
// for the same rows.
//
// To add an architecture, write one folder with an [Architecture] and add its
// line to model/all.
package model
