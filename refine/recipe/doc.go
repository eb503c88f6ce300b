// Package recipe runs whole pipelines: from raw files to shards of records,
// with every decision written down.
package recipe
