package compute_test

import (
	"fmt"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
)

// A model computes with Ops and does not know whether anything is recorded.
func ExampleEager() {
	dev := ref.New()
	ops := compute.NewEager(dev)
	x := ops.Own(compute.FromFloats(dev, []float32{3, 4}, 1, 2))
	w := ops.Own(compute.FromFloats(dev, []float32{1, 10}, 2))
	y := ops.Block(func() *compute.Tensor {
		h := compute.Do(ops, compute.RMSNorm{}, x, w)
		return compute.Do(ops, compute.Scale{By: 5}, h)
	})
	fmt.Printf("%.3f\n", compute.Floats(dev, y))
	ops.Close()
	fmt.Println(dev.Stats().Live, "bytes left")
	// Output:
	// [4.243 56.569]
	// 0 bytes left
}
