package ref_test

import (
	"fmt"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
)

func ExampleNew() {
	dev := ref.New()
	ops := compute.NewEager(dev)
	defer ops.Close()
	x := ops.Own(compute.FromFloats(dev, []float32{3, 4}, 1, 2))
	w := ops.Own(compute.FromFloats(dev, []float32{1, 1}, 2))
	y := compute.Do(ops, compute.RMSNorm{}, x, w)
	fmt.Printf("%.3f\n", compute.Floats(dev, y))
	// Output: [0.849 1.131]
}
