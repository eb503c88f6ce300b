package computetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// Operators returns one value of each operator of package compute, by name.
// Those that need a weight get one of a single element on dev; free gives them
// back.
func Operators(dev compute.Device) (ops []compute.Op, free func(), err error) {
	w, err := dev.Prepare(tensor.FromFloat32s([]float32{1}, 1, 1))
	if err != nil {
		return nil, nil, fmt.Errorf("operators on %s: %w", dev.Name(), err)
	}
	ops = []compute.Op{
		compute.Activate{},
		compute.AdamW{},
		compute.Add{},
		compute.AddBias{},
		compute.Attention{},
		compute.AttentionBack{},
		compute.CrossEntropy{},
		compute.CrossEntropyBack{},
		compute.Dropout{},
		compute.Embed{W: w},
		compute.Fill{},
		compute.GLU{},
		compute.GLUBack{},
		compute.GatherRows{},
		compute.GroupedMatMul{W: []compute.Weight{w}},
		compute.HeadLoss{W: w},
		compute.LayerNorm{},
		compute.Linear{W: w},
		compute.LowRank{},
		compute.MatMul{},
		compute.MoERoute{},
		compute.MoERouteBack{},
		compute.RMSNorm{},
		compute.RMSNormBack{},
		compute.RoPE{},
		compute.Scale{},
		compute.ScaleRows{},
		compute.ScatterAddRows{},
		compute.ScatterRows{},
		compute.SumRows{},
		compute.SumSquares{},
		compute.WeightedSum{},
		compute.WeightedSumBack{},
	}
	slices.SortFunc(ops, func(a, b compute.Op) int { return strings.Compare(a.Name(), b.Name()) })
	return ops, w.Free, nil
}

// Matrix returns a table of the operators: whether dev supports them and whether
// they have a gradient.
func Matrix(dev compute.Device) (string, error) {
	ops, free, err := Operators(dev)
	if err != nil {
		return "", err
	}
	defer free()
	var b strings.Builder
	fmt.Fprintf(&b, "%-18s %-10s %s\n", "operator", "supported", "gradient")
	for _, op := range ops {
		_, gradient := op.(compute.Differentiable)
		fmt.Fprintf(&b, "%-18s %-10s %s\n", op.Name(), yes(dev.Supports(op)), yes(gradient))
	}
	return b.String(), nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
