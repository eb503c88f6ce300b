//go:build !linux

package cpu

const (
	hugePage   = 2 << 20
	chunkBytes = 8 << 20 // of an arena's heap memory
)

// mapFloats leaves large blocks to the heap.
func mapFloats(int) (raw []byte, f []float32) { return nil, nil }

func unmap([]byte) {}

func dropPages([]byte) {}
