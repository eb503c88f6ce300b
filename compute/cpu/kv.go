package cpu

import "github.com/troikaml/troika/compute"

// kv implements [compute.KV].
type kv struct {
	spec       compute.KVSpec
	keys, vals []float32
}

// NewKV implements [compute.Device].
func (*Device) NewKV(s compute.KVSpec) (compute.KV, error) {
	n := s.Layers * s.Pages * compute.PageTokens * s.Heads * s.Dim
	return &kv{spec: s, keys: make([]float32, n), vals: make([]float32, n)}, nil
}

// Spec implements [compute.KV].
func (c *kv) Spec() compute.KVSpec { return c.spec }

func (c *kv) at(layer int, page int32, slot, head int) int {
	return (((layer*c.spec.Pages+int(page))*compute.PageTokens+slot)*c.spec.Heads + head) * c.spec.Dim
}

// Put implements [compute.KV].
func (c *kv) Put(layer int, page int32, slot, head int, key, value []float32) {
	at := c.at(layer, page, slot, head)
	copy(c.keys[at:at+c.spec.Dim], key)
	copy(c.vals[at:at+c.spec.Dim], value)
}

// Get implements [compute.KV].
func (c *kv) Get(layer int, page int32, slot, head int, key, value []float32) {
	at := c.at(layer, page, slot, head)
	copy(key, c.keys[at:at+c.spec.Dim])
	copy(value, c.vals[at:at+c.spec.Dim])
}

// CopyPage implements [compute.KV].
func (c *kv) CopyPage(dst, src int32) {
	n := compute.PageTokens * c.spec.Heads * c.spec.Dim
	for l := range c.spec.Layers {
		to, from := c.at(l, dst, 0, 0), c.at(l, src, 0, 0)
		copy(c.keys[to:to+n], c.keys[from:from+n])
		copy(c.vals[to:to+n], c.vals[from:from+n])
	}
}

// Free implements [compute.KV].
func (c *kv) Free() { c.keys, c.vals = nil, nil }
