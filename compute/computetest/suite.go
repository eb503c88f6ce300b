package computetest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/ref"
	"github.com/troikaml/troika/tensor"
)

// Setup says how a device is to be made. A device ignores what it does not have.
type Setup struct {
	Threads int  // workers; zero leaves the choice to the device
	Guard   bool // surround each tensor with zones that show stray writes
}

// Maker makes a device that lives until the test ends.
type Maker func(t testing.TB, s Setup) compute.Device

// Guarded is the optional ability behind [Setup.Guard].
type Guarded interface {
	// GuardError reports a write outside of a tensor that has been freed since.
	GuardError() error
}

// Run runs the whole suite.
func Run(t *testing.T, open Maker) {
	t.Helper()
	trials := table(testing.Short())
	t.Run("values", func(t *testing.T) { values(t, open, trials) })
	t.Run("gradients", func(t *testing.T) { gradients(t, open) })
	t.Run("rows", func(t *testing.T) { rowBits(t, open) })
	t.Run("attention", func(t *testing.T) { attentionBits(t, open) })
	t.Run("repeats", func(t *testing.T) { repeats(t, open, trials) })
	t.Run("concurrent", func(t *testing.T) { concurrent(t, open) })
	t.Run("weights", func(t *testing.T) { weights(t, open) })
	t.Run("cache", func(t *testing.T) { cache(t, open) })
	t.Run("mistakes", func(t *testing.T) { mistakes(t, open) })
}

// place is a device with what a trial made on it.
type place struct {
	tb   testing.TB
	dev  compute.Device
	undo []func()
}

func newPlace(tb testing.TB, dev compute.Device) *place { return &place{tb: tb, dev: dev} }

// weight prepares a frozen matrix for the trial.
func (p *place) weight(m tensor.Tensor) compute.Weight {
	p.tb.Helper()
	w, err := p.dev.Prepare(m)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.undo = append(p.undo, w.Free)
	return w
}

// kv makes a cache for the trial.
func (p *place) kv(s compute.KVSpec) compute.KV {
	p.tb.Helper()
	c, err := p.dev.NewKV(s)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.undo = append(p.undo, c.Free)
	return c
}

// put copies values to the device.
func (p *place) put(v values1) *compute.Tensor {
	var t *compute.Tensor
	if v.i != nil {
		t = compute.FromInts(p.dev, v.i, v.shape...)
	} else {
		t = compute.FromFloats(p.dev, v.f, v.shape...)
	}
	p.undo = append(p.undo, func() { p.dev.Free(t) })
	return t
}

// apply runs op on host values and returns its results, or the new values of its
// first inputs when it works in place. It fails if an input that should not
// changes.
func (p *place) apply(op compute.Op, in []values1, changes uint) [][]float32 {
	p.tb.Helper()
	ts := make([]*compute.Tensor, len(in))
	for i, v := range in {
		ts[i] = p.put(v)
	}
	out := p.dev.Run(op, ts)
	var got [][]float32
	for _, o := range out {
		got = append(got, p.read(o))
		p.dev.Free(o)
	}
	for i, v := range in {
		if v.i != nil {
			continue
		}
		now := compute.Floats(p.dev, ts[i])
		if changes>>i&1 == 1 {
			got = append(got, now)
		} else if at := differ(now, v.f); at >= 0 {
			p.tb.Errorf("%s changed element %d of input %d from %g to %g", op.Name(), at, i, v.f[at], now[at])
		}
	}
	return got
}

// read returns a tensor's values; those of indices come as floats, by a table of them.
func (p *place) read(t *compute.Tensor) []float32 {
	if t.DType != tensor.I32 {
		return compute.Floats(p.dev, t)
	}
	table := make([]float32, 1<<10)
	for i := range table {
		table[i] = float32(i)
	}
	list := t.Reshape(t.Len())
	x := compute.FromFloats(p.dev, table, len(table), 1)
	y := p.dev.Run(compute.GatherRows{}, []*compute.Tensor{x, list})[0]
	got := compute.Floats(p.dev, y)
	for _, made := range []*compute.Tensor{list, x, y} {
		p.dev.Free(made)
	}
	return got
}

// close frees what the trial made.
func (p *place) close() {
	for _, undo := range slices.Backward(p.undo) {
		undo()
	}
	p.undo = nil
}

// differ returns the first element whose bits differ, or -1.
func differ(a, b []float32) int {
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

// sameBits fails unless both have the same bits.
func sameBits(t testing.TB, what string, got, want [][]float32) bool {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d results, want %d", what, len(got), len(want))
		return false
	}
	for i := range want {
		if at := differ(got[i], want[i]); at >= 0 {
			t.Errorf("%s: result %d differs at element %d of %d: %b, want %b",
				what, i, at, len(want[i]), at1(got[i], at), at1(want[i], at))
			return false
		}
	}
	return true
}

func at1(v []float32, i int) float32 {
	if i < len(v) {
		return v[i]
	}
	return float32(math.NaN())
}

// near fails unless every element is within tol of want, relative to its own
// size and the root mean square of all, or to floor where that is more.
func near(t testing.TB, what string, got, want []float32, tol, floor float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, want %d", what, len(got), len(want))
		return
	}
	var sum float64
	for _, v := range want {
		sum += float64(v) * float64(v)
	}
	scale := max(floor, math.Sqrt(sum/float64(max(1, len(want)))))
	worst, at := 0.0, -1
	for i, v := range want {
		e := math.Abs(float64(got[i])-float64(v)) / (math.Abs(float64(v)) + scale + 1e-30)
		if !(e <= worst) { // a NaN counts
			worst, at = e, i
		}
	}
	if !(worst <= tol) {
		t.Errorf("%s: element %d of %d is %g, want %g: error %.2g, tolerance %.2g",
			what, at, len(want), got[at], want[at], worst, tol)
	}
}

// values compares each trial with the reference.
func values(t *testing.T, open Maker, trials []trial) {
	dev := open(t, Setup{Guard: true})
	before := dev.Stats()
	for _, tr := range trials {
		t.Run(tr.name, func(t *testing.T) {
			got, ok := tr.run(t, dev)
			if !ok {
				t.Logf("%s is not supported on %s", tr.name, dev.Name())
				return
			}
			want, _ := tr.run(t, ref.New())
			if len(got) != len(want) {
				t.Fatalf("%d results, want %d", len(got), len(want))
			}
			for i := range want {
				near(t, "result "+string(rune('0'+i)), got[i], want[i], tr.tol, tr.floor)
			}
		})
	}
	checkMemory(t, dev, before)
	covered(t, dev, trials)
}

// covered fails unless the table has a trial of each operator.
func covered(t *testing.T, dev compute.Device, trials []trial) {
	ops, free, err := Operators(dev)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	for _, op := range ops {
		if !slices.ContainsFunc(trials, func(tr trial) bool { return strings.HasPrefix(tr.name, op.Name()+"/") }) {
			t.Errorf("the table has no trial of %s", op.Name())
		}
	}
}

// checkMemory fails if memory is still held or was written out of bounds.
func checkMemory(t *testing.T, dev compute.Device, before compute.Stats) {
	t.Helper()
	after := dev.Stats()
	if after.Live != before.Live || after.Weights != before.Weights {
		t.Errorf("memory: %+v before, %+v after", before, after)
	}
	if g, ok := dev.(Guarded); ok {
		if err := g.GuardError(); err != nil {
			t.Error(err)
		}
	}
}

// repeats runs each trial with one worker, with several, and twice.
func repeats(t *testing.T, open Maker, trials []trial) {
	one, three := open(t, Setup{Threads: 1}), open(t, Setup{Threads: 3})
	for _, tr := range trials {
		t.Run(tr.name, func(t *testing.T) {
			want, ok := tr.run(t, one)
			if !ok {
				return
			}
			again, _ := tr.run(t, one)
			sameBits(t, "second run", again, want)
			for range 2 {
				more, _ := tr.run(t, three)
				sameBits(t, "three workers", more, want)
			}
		})
	}
	checkMemory(t, one, compute.Stats{})
	checkMemory(t, three, compute.Stats{})
}
