package ref

import (
	"fmt"
	"sync/atomic"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// Device implements [compute.Device].
type Device struct{ live, peak, weights atomic.Int64 }

// New returns a reference device.
func New() *Device { return &Device{} }

type memory struct {
	f []float32
	i []int32
}

// Name implements [compute.Device].
func (*Device) Name() string { return "reference" }

// Supports implements [compute.Device]: every operator has a reference.
func (*Device) Supports(compute.Op) bool { return true }

// New implements [compute.Device]. The memory is filled with a value that
// spoils any sum, to show reads of what was never written.
func (d *Device) New(s compute.Spec) *compute.Tensor {
	var m memory
	switch s.DType {
	case tensor.F32:
		m.f = make([]float32, s.Len())
		for i := range m.f {
			m.f[i] = -1e30
		}
	case tensor.I32:
		m.i = make([]int32, s.Len())
		for i := range m.i {
			m.i[i] = -1 << 31
		}
	default:
		compute.Fail("New", "dtype %s is not a device dtype", s.DType)
	}
	live := d.live.Add(4 * int64(s.Len()))
	for peak := d.peak.Load(); live > peak && !d.peak.CompareAndSwap(peak, live); peak = d.peak.Load() {
	}
	return &compute.Tensor{Spec: s, Mem: compute.NewMemory(m)}
}

func view(t *compute.Tensor) compute.View {
	m := t.Mem.Data.(memory)
	return compute.View{Spec: t.Spec, F: m.f, I: m.i}
}

// Run implements [compute.Device].
func (d *Device) Run(op compute.Op, in []*compute.Tensor) []*compute.Tensor {
	specs := make([]compute.Spec, len(in))
	src := make([]compute.View, len(in))
	for i, t := range in {
		specs[i], src[i] = t.Spec, view(t)
	}
	results := op.Results(specs)
	out := make([]*compute.Tensor, len(results))
	dst := make([]compute.View, len(results))
	for i, s := range results {
		out[i] = d.New(s)
		dst[i] = view(out[i])
	}
	op.Reference(dst, src)
	return out
}

// WriteFloats implements [compute.Device].
func (*Device) WriteFloats(t *compute.Tensor, v []float32) {
	if len(v) != t.Len() {
		compute.Fail("WriteFloats", "%d values for %v", len(v), t.Spec)
	}
	copy(view(t).F, v)
}

// WriteInts implements [compute.Device].
func (*Device) WriteInts(t *compute.Tensor, v []int32) {
	if len(v) != t.Len() {
		compute.Fail("WriteInts", "%d values for %v", len(v), t.Spec)
	}
	copy(view(t).I, v)
}

// ReadFloats implements [compute.Device].
func (*Device) ReadFloats(dst []float32, t *compute.Tensor, first int) {
	copy(dst, view(t).F[first:first+len(dst)])
}

// Free implements [compute.Device].
func (d *Device) Free(t *compute.Tensor) {
	if t.Mem.Release() {
		m := t.Mem.Data.(memory)
		d.live.Add(-4 * int64(len(m.f)+len(m.i)))
	}
}

// Sync implements [compute.Device].
func (*Device) Sync() {}

// Stats implements [compute.Device].
func (d *Device) Stats() compute.Stats {
	return compute.Stats{Live: d.live.Load(), Weights: d.weights.Load(), Peak: d.peak.Load()}
}

// Weight is a matrix in float32.
type weight struct {
	dev     *Device
	dtype   tensor.DType
	out, in int
	rows    []float32
}

// Prepare implements [compute.Device].
func (d *Device) Prepare(t tensor.Tensor) (compute.Weight, error) {
	out, in, err := t.Matrix()
	if err != nil {
		return nil, fmt.Errorf("prepare weight: %w", err)
	}
	rows, err := t.Float32s()
	if err != nil {
		return nil, fmt.Errorf("prepare weight: %w", err)
	}
	d.weights.Add(4 * int64(len(rows)))
	return &weight{dev: d, dtype: t.DType, out: out, in: in, rows: rows}, nil
}

func (w *weight) Dims() (out, in int)      { return w.out, w.in }
func (w *weight) DType() tensor.DType      { return w.dtype }
func (w *weight) Row(dst []float32, n int) { copy(dst, w.rows[n*w.in:(n+1)*w.in]) }
func (w *weight) Free()                    { w.dev.weights.Add(-4 * int64(len(w.rows))); w.rows = nil }

// kv keeps keys, then values, as [compute.KVSpec.Pack] writes them.
type kv struct {
	spec       compute.KVSpec
	keys, vals []byte
}

// NewKV implements [compute.Device].
func (*Device) NewKV(s compute.KVSpec) (compute.KV, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	n := s.Bytes() / 2
	return &kv{spec: s, keys: make([]byte, n), vals: make([]byte, n)}, nil
}

func (c *kv) Spec() compute.KVSpec { return c.spec }

func (c *kv) at(layer int, page int32, slot, head int) int {
	return (((layer*c.spec.Pages+int(page))*compute.PageTokens+slot)*c.spec.Heads + head) * c.spec.Packed()
}

func (c *kv) Put(layer int, page int32, slot, head int, key, value []float32) {
	at := c.at(layer, page, slot, head)
	c.spec.Pack(c.keys[at:], key)
	c.spec.Pack(c.vals[at:], value)
}

func (c *kv) Get(layer int, page int32, slot, head int, key, value []float32) {
	at := c.at(layer, page, slot, head)
	c.spec.Unpack(key, c.keys[at:])
	c.spec.Unpack(value, c.vals[at:])
}

func (c *kv) CopyPage(dst, src int32) {
	for l := range c.spec.Layers {
		to, from, n := c.at(l, dst, 0, 0), c.at(l, src, 0, 0), c.at(0, 1, 0, 0)
		copy(c.keys[to:to+n], c.keys[from:from+n])
		copy(c.vals[to:to+n], c.vals[from:from+n])
	}
}

func (c *kv) Free() { c.keys, c.vals = nil, nil }
