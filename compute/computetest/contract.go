package computetest

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/tensor"
)

// concurrent runs the same work from several goroutines at once.
func concurrent(t *testing.T, open Maker) {
	dev := open(t, Setup{Threads: 3})
	s := newSource("concurrent")
	w := s.matrix(tensor.BF16, 100, 64)
	x := s.floats(70, 64)
	p := newPlace(t, dev)
	defer p.close()
	weight := p.weight(w)
	shape := attentionShape{name: "concurrent", lens: []int{70}, heads: 4, groups: 2, dim: 16}
	kv := s.floats(70, 2, 16)
	work := func() [][]float32 {
		q := newPlace(t, dev)
		defer q.close()
		out := q.apply(compute.Linear{W: weight}, []values1{x}, 0)
		out = append(out, q.apply(compute.RMSNorm{Eps: 1e-6}, []values1{x, s2(x)}, 0)...)
		query := values1{shape: []int{70, 4, 16}, f: x.f}
		return append(out, q.apply(shape.plain(), []values1{query, kv, kv}, 0)...)
	}
	want := work()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				sameBits(t, "beside other calls", work(), want)
			}
		})
	}
	wg.Wait()
}

// s2 returns the first row of a matrix as a vector.
func s2(x values1) values1 { return values1{shape: x.shape[1:], f: x.f[:x.shape[1]]} }

// weights checks that prepared matrices keep their values.
func weights(t *testing.T, open Maker) {
	dev := open(t, Setup{})
	for _, m := range [][2]int{{1, 1}, {3, 5}, {16, 16}, {17, 33}, {65, 449}, {9, 256}, {33, 768}} {
		s := newSource(size(m[0], m[1]))
		for _, d := range append([]tensor.DType{tensor.F32, tensor.F16, tensor.BF16}, blockFormats...) {
			if d.Bytes(m[1]) < 0 {
				continue // no whole blocks
			}
			p := newPlace(t, dev)
			src := s.matrix(d, m[0], m[1])
			w := p.weight(src)
			if out, in := w.Dims(); out != m[0] || in != m[1] || w.DType() != d {
				t.Errorf("weight %v %s: dims %d %d, dtype %s", m, d, out, in, w.DType())
			}
			row, want := make([]float32, m[1]), make([]float32, m[1])
			for i := range m[0] {
				if err := src.DecodeFloat32s(want, i*m[1]); err != nil {
					t.Fatal(err)
				}
				if w.Row(row, i); differ(row, want) >= 0 {
					t.Errorf("row %d of weight %v %s changed", i, m, d)
				}
			}
			p.close()
		}
	}
	for _, bad := range []tensor.Tensor{
		{DType: tensor.F32, Shape: []int{4}, Data: make([]byte, 16)},
		{DType: tensor.I32, Shape: []int{2, 2}, Data: make([]byte, 16)},
		{DType: tensor.F32, Shape: []int{2, 3}, Data: make([]byte, 23)},
		{DType: tensor.Q8_0, Shape: []int{2, 32}, Data: make([]byte, 67)},
		{DType: tensor.Q4K, Shape: []int{4, 64}, Data: make([]byte, 144)},
	} {
		if w, err := dev.Prepare(bad); err == nil {
			w.Free()
			t.Errorf("a weight of %s %v over %d bytes was taken", bad.DType, bad.Shape, len(bad.Data))
		}
	}
	checkMemory(t, dev, compute.Stats{})
}

// cache checks that a key/value cache keeps what is put into it.
func cache(t *testing.T, open Maker) {
	dev := open(t, Setup{})
	for _, spec := range []compute.KVSpec{
		{Layers: 2, Heads: 3, Dim: 19, Pages: 3},
		{Layers: 2, Heads: 3, Dim: 19, Pages: 3, DType: tensor.F16},
		{Layers: 2, Heads: 3, Dim: 96, Pages: 3, DType: tensor.Q8_0},
	} {
		t.Run(spec.Type().String(), func(t *testing.T) { cacheOf(t, dev, spec) })
	}
	for _, bad := range []compute.KVSpec{
		{Layers: 1, Heads: 1, Dim: 1},
		{Layers: 1, Heads: 1, Dim: 32, Pages: 1, DType: tensor.BF16},
		{Layers: 1, Heads: 1, Dim: 48, Pages: 1, DType: tensor.Q8_0},
	} {
		if c, err := dev.NewKV(bad); err == nil {
			c.Free()
			t.Errorf("a cache of %+v was made", bad)
		}
	}
	checkMemory(t, dev, compute.Stats{})
}

func cacheOf(t *testing.T, dev compute.Device, spec compute.KVSpec) {
	t.Helper()
	p := newPlace(t, dev)
	defer p.close()
	c := p.kv(spec)
	if c.Spec() != spec {
		t.Errorf("spec %+v, want %+v", c.Spec(), spec)
	}
	each := func(fn func(layer int, page int32, slot, head int)) {
		for layer := range spec.Layers {
			for page := range spec.Pages {
				for slot := range compute.PageTokens {
					for head := range spec.Heads {
						fn(layer, int32(page), slot, head)
					}
				}
			}
		}
	}
	value := func(layer int, page int32, slot, head int) values1 {
		v := newSource(size(layer, int(page), slot, head)).floats(2, spec.Dim)
		switch slot { // what only some types can hold
		case 7:
			v.f[3] = 1e6
		case 9:
			v.f[5] = float32(math.NaN())
		}
		return v
	}
	packed := make([]byte, spec.Packed())
	kept := func(v values1) []float32 {
		for i := range 2 {
			part := v.f[i*spec.Dim:][:spec.Dim]
			spec.Pack(packed, part)
			spec.Unpack(part, packed)
		}
		return v.f
	}
	each(func(layer int, page int32, slot, head int) {
		v := value(layer, page, slot, head)
		c.Put(layer, page, slot, head, v.f[:spec.Dim], v.f[spec.Dim:])
	})
	check := func(from func(page int32) int32) {
		got := make([]float32, 2*spec.Dim)
		each(func(layer int, page int32, slot, head int) {
			c.Get(layer, page, slot, head, got[:spec.Dim], got[spec.Dim:])
			for i, want := range kept(value(layer, from(page), slot, head)) {
				if v := got[i]; v != want && (v == v || want == want) { // a NaN may become another
					t.Errorf("layer %d page %d slot %d head %d changed", layer, page, slot, head)
					return
				}
			}
		})
	}
	check(func(page int32) int32 { return page })
	c.CopyPage(0, 2)
	check(func(page int32) int32 {
		if page == 0 {
			return 2
		}
		return page
	})
}

// mistakes checks that wrong shapes panic with a *ShapeError and leave nothing
// behind.
func mistakes(t *testing.T, open Maker) {
	dev := open(t, Setup{})
	s := newSource("mistakes")
	wrong := func(name string, op compute.Op, in ...values1) {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, dev)
			defer p.close()
			err := func() (err error) {
				defer compute.Recover(&err)
				p.apply(op, in, 0)
				return nil
			}()
			if err == nil || !strings.Contains(err.Error(), op.Name()) {
				t.Errorf("error %v does not name %s", err, op.Name())
			}
		})
	}
	wrong("Add", compute.Add{}, s.floats(2, 3), s.floats(3, 2))
	wrong("RMSNorm", compute.RMSNorm{}, s.floats(2, 3), s.floats(2))
	wrong("MatMul", compute.MatMul{}, s.floats(2, 3), s.floats(4, 2))
	wrong("Attention", compute.Attention{}, s.floats(2, 3, 4), s.floats(2, 2, 4), s.floats(2, 2, 4))
	checkMemory(t, dev, compute.Stats{})

	x := dev.New(compute.Float(3))
	dev.Run(compute.Fill{Value: float32(math.Pi)}, []*compute.Tensor{x})
	part := make([]float32, 2)
	dev.ReadFloats(part, x, 1)
	if part[0] != math.Pi || part[1] != math.Pi {
		t.Errorf("read %v", part)
	}
	y := x.Retain()
	dev.Free(x)
	if dev.Stats().Live == 0 {
		t.Error("memory with a second handle was given back")
	}
	dev.Free(y)
	checkMemory(t, dev, compute.Stats{})
}
