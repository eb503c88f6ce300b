package compute

// Flops counts the floating-point operations of an operator: a multiplication and an
// addition count two, pairs that attention masks count none. Operators that touch each
// element a few times are left out, as is usual: products take nearly all the time.
// Beside are those of a gradient that the operator computes together with its value.
func Flops(op Op, in []Spec) (own, beside int64) {
	product := func(m, n, k int) int64 { return 2 * int64(m) * int64(n) * int64(k) }
	switch op := op.(type) {
	case Linear:
		rows, _ := in[0].Rows()
		n, k := op.W.Dims()
		return product(rows, n, k), 0
	case MatMul:
		return product(op.Dims(in[0], in[1])), 0
	case HeadLoss:
		n, k := op.W.Dims()
		logits := product(in[0].Shape[0], n, k)
		return logits, logits
	case Attention: // scores, and the sum of values
		return 2 * product(op.pairs(), in[0].Shape[1], in[0].Shape[2]), 0
	case AttentionBack: // scores again, and the gradients of weights, queries, keys, values
		return 5 * product(Attention(op).pairs(), in[0].Shape[1], in[0].Shape[2]), 0
	default:
		return 0, 0
	}
}

// pairs counts the positions that all rows see together.
func (op Attention) pairs() int {
	n := 0
	for _, s := range op.Spans {
		for r := range s.Rows {
			first, end := op.Keys(s.Start+r, s.Start+s.Rows)
			n += end - first
		}
	}
	return n
}
