// Package kernel is the arithmetic of the CPU device: matrix products and row
// operations over plain slices, knowing nothing of tensors, devices or threads.
//
// # Terms
//
// A weight W [N, K] is frozen and read many times. It is stored as panels:
// sixteen rows of W interleaved, so that the sixteen numbers W[n..n+15, k] lie
// together for each k, in the weight's own format. A lane is one of these
// sixteen columns of the result. A tile is what one call of a micro-kernel
// computes: one to twelve rows of A by the lanes of one or two panels. The depth
// of a product is the length of the axis that it sums over.
//
// # Invariants
//
// The bits of an element C[m, n] depend on row m of A, column n of the right
// operand and the depth alone: never on how many rows there are, on where the
// row stands, on how callers split the work, or on which tile computed it. So
// every product here is summed in one order: the depth is cut in blocks of
// BlockDepth; within a block one chain of fused multiply-adds runs from zero in
// ascending order; block sums are added in ascending order. Lanes are columns
// of the result in every kernel, hence no horizontal sum ever enters.
//
// Engines are AVX2+FMA+F16C assembly, written by the generator in gen; the same with
// products by AVX-512 and its VNNI, which change no bit: a lane sums in the same order,
// and sums of bytes are exact; and plain Go, which every build contains and which runs
// where the processor or the noasm build tag leaves no choice. Each keeps the rule above;
// the bits of plain Go differ, because it rounds each product.
//
// Functions here run on the calling goroutine. They return to Go at least once
// in about a millisecond, so that the scheduler is never held up.
//
// # Left to others
//
// Threads, memory for panels (package cpu), shapes and errors: arguments that
// do not fit are a programmer's mistake and panic.
package kernel
