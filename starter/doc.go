// Package starter carries the starter model inside the program: a small bilingual
// base model, so that every verb works before anything was downloaded. README.md
// beside the files is its model card; make starter trains it anew.
package starter
