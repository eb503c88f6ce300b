// Package tasks builds the datasets of the two examples that the program ships:
// which area of Go's standard library a doc comment is about, and which module a
// help page is about. The quickstart tunes on them, and the starter's pre-training
// leaves their held-out splits out; both must mean the same splits.
package tasks
