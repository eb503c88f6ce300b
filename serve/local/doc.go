// Package local answers requests with models of this machine: base models, and
// adapters that share their base's weights and batches.
package local
