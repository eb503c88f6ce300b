// Package shard reads the documents that benchmarks of the refinery run on.
package shard
