// Command gemm measures the matrix products of compute/cpu/kernel against the
// limits of the processor, taken in the same run: products of many rows against
// the rate of independent fused multiply-adds, products of one row against the
// rate of reading memory. It prints one line per case, the median of -rounds.
package main
