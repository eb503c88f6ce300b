package cpu

import (
	"fmt"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

const pageTokens = compute.PageTokens

// kv implements [compute.KV]. For each layer, page and head it holds a block of
// keys and a block of values, both as panels that products read as they are:
// the keys as a weight [tokens, Dim], whose lanes are tokens, the values as its
// transpose [Dim, tokens], whose lanes are channels. Channels are padded with
// zeros to whole panels. All layers of a page lie together, so that short sequences
// touch little memory where the system hands it out in huge pages.
type kv struct {
	spec  compute.KVSpec
	wide  int // Dim rounded up to whole panels
	dev   *Device
	mem   *block
	data  []float32
	bytes int64
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// blockFloats returns the size of the keys and values of a head in a page.
func (c *kv) blockFloats() int { return pageTokens * (c.spec.Dim + c.wide) }

// NewKV implements [compute.Device]. Memory that no token used yet is only
// reserved, where the system can.
func (d *Device) NewKV(s compute.KVSpec) (compute.KV, error) {
	if s.Layers < 1 || s.Heads < 1 || s.Dim < 1 || s.Pages < 1 {
		return nil, fmt.Errorf("make cache: %+v has an extent below 1", s)
	}
	c := &kv{spec: s, wide: roundUp(s.Dim, kernel.Lanes), dev: d}
	n := s.Layers * s.Pages * s.Heads * c.blockFloats()
	c.mem = newBlock(roundUp(4*n, 64), d.mem.dry)
	if !d.mem.dry {
		c.data = c.mem.f[:n]
	}
	c.bytes = int64(4 * n)
	d.mem.count(c.bytes)
	return c, nil
}

// Free implements [compute.KV].
func (c *kv) Free() {
	c.dev.mem.count(-c.bytes)
	release([]*block{c.mem})
	c.mem, c.data = nil, nil
}

// Spec implements [compute.KV].
func (c *kv) Spec() compute.KVSpec { return c.spec }

// at returns the keys and values of a head in a page.
func (c *kv) at(layer int, page int32, head int) (keys, values []float32) {
	n := c.blockFloats()
	b := c.data[((int(page)*c.spec.Layers+layer)*c.spec.Heads+head)*n:][:n]
	return b[:pageTokens*c.spec.Dim], b[pageTokens*c.spec.Dim:]
}

// Put implements [compute.KV].
func (c *kv) Put(layer int, page int32, slot, head int, key, value []float32) {
	keys, values := c.at(layer, page, head)
	dim := c.spec.Dim
	to := keys[slot/kernel.Lanes*kernel.Lanes*dim+slot%kernel.Lanes:]
	for i, v := range key[:dim] {
		to[i*kernel.Lanes] = v
	}
	for i := 0; i < dim; i += kernel.Lanes {
		copy(values[i*pageTokens+slot*kernel.Lanes:][:kernel.Lanes], value[i:dim])
	}
}

// Get implements [compute.KV].
func (c *kv) Get(layer int, page int32, slot, head int, key, value []float32) {
	keys, values := c.at(layer, page, head)
	dim := c.spec.Dim
	from := keys[slot/kernel.Lanes*kernel.Lanes*dim+slot%kernel.Lanes:]
	for i := range dim {
		key[i] = from[i*kernel.Lanes]
	}
	for i := 0; i < dim; i += kernel.Lanes {
		copy(value[i:dim], values[i*pageTokens+slot*kernel.Lanes:][:kernel.Lanes])
	}
}

// CopyPage implements [compute.KV].
func (c *kv) CopyPage(dst, src int32) {
	n := c.blockFloats() * c.spec.Heads * c.spec.Layers
	copy(c.data[int(dst)*n:][:n], c.data[int(src)*n:][:n])
}

// packByToken writes n rows of src, stride apart, as panels whose lanes are
// rows; the block's other lanes become zero.
func packByToken(dst, src []float32, n, dim, stride int) {
	for first := 0; first < pageTokens; first += kernel.Lanes {
		panel := dst[first*dim:][:kernel.Lanes*dim]
		rows := min(max(n-first, 0), kernel.Lanes)
		if rows < kernel.Lanes {
			clear(panel)
		}
		for j := range rows {
			for i, v := range src[(first+j)*stride:][:dim] {
				panel[i*kernel.Lanes+j] = v
			}
		}
	}
}

// packByChannel writes n rows of src, stride apart, as panels whose lanes are
// channels; the block's other rows and lanes become zero.
func packByChannel(dst, src []float32, n, dim, stride int) {
	if n < pageTokens || dim%kernel.Lanes != 0 {
		clear(dst[:pageTokens*roundUp(dim, kernel.Lanes)])
	}
	for r := range n {
		row := src[r*stride:][:dim]
		for i := 0; i < dim; i += kernel.Lanes {
			copy(dst[i*pageTokens+r*kernel.Lanes:][:kernel.Lanes], row[i:])
		}
	}
}
