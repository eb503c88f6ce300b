package compute_test

import (
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
)

// A chain of layers holds what one of them takes, however many there are.
func TestBlockFreesWhatIsSpent(t *testing.T) {
	dev := ref.New()
	ops := compute.NewEager(dev)
	given := compute.FromFloats(dev, []float32{1, 2}, 2)
	scale := func(x *compute.Tensor) *compute.Tensor {
		return ops.Block(func() *compute.Tensor { return compute.Do(ops, compute.Scale{By: 2}, x) }, x)
	}
	x := scale(given) // which is the caller's, and stays
	one := dev.Stats().Live
	for range 3 {
		x = scale(x)
		if live := dev.Stats().Live; live != one {
			t.Fatalf("%d bytes are held, want %d", live, one)
		}
	}
	x = ops.Block(func() *compute.Tensor { return x }, x) // a result is not spent
	if got := compute.Floats(dev, x); got[0] != 16 || got[1] != 32 {
		t.Errorf("%v, want [16 32]", got)
	}
	ops.Close()
	dev.Free(given)
	if live := dev.Stats().Live; live != 0 {
		t.Errorf("%d bytes are left", live)
	}
}
