// Package shape makes the model that the programs of bench measure: the shape of
// Qwen2.5-0.5B with random weights, rounded to BF16.
package shape
