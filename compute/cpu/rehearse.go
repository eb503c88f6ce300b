package cpu

import (
	"slices"

	"github.com/troikaml/troika/compute"
)

// runDry is Run on a device that rehearses: the memory of op's results and of its work is
// taken as Run takes it, and nothing is computed.
func (d *Device) runDry(op compute.Op, in []*compute.Tensor) []*compute.Tensor {
	specs := make([]compute.Spec, len(in))
	for i, t := range in {
		specs[i] = t.Spec
	}
	d.rehearse(op, specs)
	results := op.Results(specs)
	out := make([]*compute.Tensor, len(results))
	for i, s := range results {
		out[i] = d.New(s)
	}
	var taken []*block
	for _, n := range scratchOf(op, specs) {
		taken = append(taken, d.mem.get(4*n))
	}
	for _, b := range slices.Backward(taken) {
		d.mem.put(b)
	}
	return out
}

// scratchOf returns the floats that the code of an operator borrows from the device
// while it runs, in its order.
func scratchOf(op compute.Op, in []compute.Spec) []int {
	switch op := op.(type) {
	case compute.Linear:
		if _, quantised := op.W.(*quant); quantised && !op.Transpose {
			rows, k := in[0].Rows()
			return []int{roundedFloats(rows, k)}
		}
	case compute.HeadLoss:
		vocab, cols := op.W.Dims()
		chunk := logitRows(in[0].Shape[0], vocab)
		if _, quantised := op.W.(*quant); quantised {
			return []int{chunk * vocab, roundedFloats(chunk, cols)}
		}
		return []int{chunk * vocab}
	case compute.RMSNorm:
		if op.Offset != 0 {
			return []int{in[1].Len()}
		}
	case compute.RMSNormBack:
		var list []int
		rows, cols := in[0].Rows()
		if op.Offset != 0 {
			list = append(list, cols)
		}
		if op.Scale {
			list = append(list, normBlocks(rows)*cols)
		}
		return list
	case compute.Attention:
		if op.KV == nil {
			return []int{uncachedFloats(op.Spans, headsOf(in[0], in[1]))}
		}
	case compute.AttentionBack:
		_, total := backwards(op, headsOf(in[0], in[1]))
		return []int{total}
	}
	return nil
}
