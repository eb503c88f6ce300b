package autograd_test

import (
	"fmt"

	"github.com/troikaml/troika/autograd"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
)

func ExampleTape() {
	dev := ref.New()
	tape := autograd.New(dev)
	x := compute.FromFloats(dev, []float32{1, 2}, 1, 2)
	w := compute.FromFloats(dev, []float32{3, 4}, 1, 2)
	tape.Watch(w)
	y := compute.Do(tape, compute.MatMul{TransB: true}, x, w) // 1*3 + 2*4
	if err := tape.Backward(y); err != nil {
		fmt.Println(err)
	}
	fmt.Println(compute.Floats(dev, y), compute.Floats(dev, tape.Grad(w)))
	tape.Close()
	dev.Free(x)
	dev.Free(w)
	fmt.Println(dev.Stats().Live, "bytes left")
	// Output:
	// [11] [1 2]
	// 0 bytes left
}
