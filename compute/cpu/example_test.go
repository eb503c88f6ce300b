package cpu_test

import (
	"fmt"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/tensor"
)

func Example() {
	dev := cpu.New(cpu.Options{Threads: 2})
	defer dev.Close()
	w, err := dev.Prepare(tensor.FromFloat32s([]float32{1, 2, 3, 4, 5, 6}, 2, 3))
	if err != nil {
		fmt.Println(err)
		return
	}
	ops := compute.NewEager(dev)
	x := ops.Own(compute.FromFloats(dev, []float32{1, 0, -1}, 1, 3))
	y := compute.Do(ops, compute.Linear{W: w}, x)
	fmt.Println(compute.Floats(dev, y))
	ops.Close()
	w.Free()
	fmt.Println(dev.Stats().Live, dev.Stats().Weights)
	// Output:
	// [-2 -2]
	// 0 0
}
