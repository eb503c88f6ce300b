package kernel_test

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/troikaml/troika/compute/cpu/kernel"
)

// A weight of two rows and three columns is packed once and multiplied by one
// row of activations.
func Example() {
	var stored []byte
	for _, v := range []float32{1, 2, 3, 4, 5, 6} {
		stored = binary.LittleEndian.AppendUint32(stored, math.Float32bits(v))
	}
	w := &kernel.Panels{Format: kernel.F32, N: 2, K: 3}
	w.Data = make([]byte, kernel.PanelBytes(w.Format, w.N, w.K))
	kernel.PackPanels(w, stored, 0, w.N)

	var scratch kernel.Scratch
	c := make([]float32, 2)
	kernel.MatMul(c, 2, []float32{1, 10, 100}, 3, 1, w, 0, kernel.PanelCount(w.N), false, &scratch)
	fmt.Println(c)
	// Output: [321 654]
}
