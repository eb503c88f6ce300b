package cpu

import (
	"unsafe"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
	"github.com/troikaml/troika/tensor"
)

const pageTokens = compute.PageTokens

// kv implements [compute.KV]. For each layer, page and head it holds a block of
// keys and a block of values, both as panels that products read as they are:
// the keys as a weight [tokens, Dim], whose lanes are tokens, the values as its
// transpose [Dim, tokens], whose lanes are channels. Channels are padded with
// zeros to whole strips. All layers of a page lie together, so that short sequences
// touch little memory where the system hands it out in huge pages.
//
// A block of Q8_0 is [kernel.Levels] instead, with a row of scales for each run of
// channels; its panels are widened when they are read.
type kv struct {
	spec   compute.KVSpec
	format kernel.Format // of F32 and F16
	levels bool          // Q8_0
	dev    *Device
	mem    *block
	data   []byte
	size   int64
}

func newKV(s compute.KVSpec) *kv {
	c := &kv{spec: s}
	if s.Type() == tensor.F16 {
		c.format = kernel.F16
	}
	c.levels = s.Type() == tensor.Q8_0
	return c
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// keyBytes and valueBytes return the size of the keys and the values of a head in a
// page.
func (c *kv) keyBytes() int {
	if c.levels {
		return kernel.LevelBytes(c.spec.Dim, pageTokens)
	}
	return kernel.PanelBytes(c.format, pageTokens, c.spec.Dim)
}

func (c *kv) valueBytes() int {
	if c.levels {
		return kernel.LevelBytes(c.spec.Dim, pageTokens)
	}
	return kernel.PanelBytes(c.format, c.spec.Dim, pageTokens)
}

// bytes returns the size of all pages.
func (c *kv) bytes() int {
	return c.spec.Layers * c.spec.Pages * c.spec.Heads * (c.keyBytes() + c.valueBytes())
}

// NewKV implements [compute.Device]. Memory that no token used yet is only
// reserved, where the system can.
func (d *Device) NewKV(s compute.KVSpec) (compute.KV, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	c := newKV(s)
	c.dev = d
	n := c.bytes()
	c.mem = newBlock(roundUp(n, 64), d.mem.dry)
	if !d.mem.dry {
		c.data = asBytes(c.mem.f)[:n]
	}
	c.size = int64(n)
	d.mem.count(c.size)
	return c, nil
}

// Free implements [compute.KV].
func (c *kv) Free() {
	c.dev.mem.count(-c.size)
	release([]*block{c.mem})
	c.mem, c.data = nil, nil
}

// Spec implements [compute.KV].
func (c *kv) Spec() compute.KVSpec { return c.spec }

// at returns the keys and values of a head in a page.
func (c *kv) at(layer int, page int32, head int) (keys, values []byte) {
	n, k := c.keyBytes()+c.valueBytes(), c.keyBytes()
	b := c.data[((int(page)*c.spec.Layers+layer)*c.spec.Heads+head)*n:][:n]
	return b[:k], b[k:]
}

// Put implements [compute.KV].
func (c *kv) Put(layer int, page int32, slot, head int, key, value []float32) {
	keys, values := c.at(layer, page, head)
	dim := c.spec.Dim
	if c.spec.Type() == tensor.F32 {
		k, v := asFloats(keys), asFloats(values)
		to := k[slot/kernel.Lanes*kernel.Lanes*dim+slot%kernel.Lanes:]
		for i, v := range key[:dim] {
			to[i*kernel.Lanes] = v
		}
		for i := 0; i < dim; i += kernel.Lanes {
			copy(v[i*pageTokens+slot*kernel.Lanes:][:kernel.Lanes], value[i:dim])
		}
		return
	}
	var stack [2 * 256]byte
	packed := stack[:]
	if n := c.spec.Packed(); n > len(packed) {
		packed = make([]byte, n)
	}
	c.spec.Pack(packed, key)
	c.spread(keys, slot, packed, false)
	c.spec.Pack(packed, value)
	c.spread(values, slot, packed, true)
}

// Get implements [compute.KV].
func (c *kv) Get(layer int, page int32, slot, head int, key, value []float32) {
	keys, values := c.at(layer, page, head)
	packed := make([]byte, c.spec.Packed())
	c.collect(packed, keys, slot, false)
	c.spec.Unpack(key, packed)
	c.collect(packed, values, slot, true)
	c.spec.Unpack(value, packed)
}

// spread writes what was packed of a slot's key, or its value, into a block.
func (c *kv) spread(block []byte, slot int, packed []byte, value bool) {
	c.each(slot, value, func(at, from, n int) { copy(block[at:at+n], packed[from:from+n]) })
}

// collect is the reverse of spread.
func (c *kv) collect(packed, block []byte, slot int, value bool) {
	c.each(slot, value, func(at, from, n int) { copy(packed[from:from+n], block[at:at+n]) })
}

// each tells where in a block the bytes of a slot lie: n bytes at a place are the packed
// ones from another on.
func (c *kv) each(slot int, value bool, fn func(at, from, n int)) {
	dim := c.spec.Dim
	if c.levels {
		l := kernel.Levels{Dim: dim, Tokens: pageTokens, ByChannel: value}
		const run = 2 + kernel.Run // of a packed row: the scale, then the levels
		for i := range dim {
			fn(l.Level(slot, i), i/kernel.Run*run+2+i%kernel.Run, 1)
		}
		for r := range dim / kernel.Run {
			fn(l.Scale(slot, r), r*run, 2)
		}
		return
	}
	size := c.format.Bytes()
	lanes := kernel.StripLanes(c.format)
	for i := range dim {
		row, column, depth := slot, i, dim
		if value {
			row, column, depth = i, slot, pageTokens
		}
		fn((row/lanes*depth+column)*lanes*size+row%lanes*size, i*size, size)
	}
}

// keysOf returns the keys of a page as panels of tokens, of which so many are needed.
// The memory is the cache's or the scratch's.
func (c *kv) keysOf(keys []byte, tokens int, wide []float32) kernel.Panels {
	p := kernel.Panels{Format: c.format, N: pageTokens, K: c.spec.Dim, Data: keys}
	if c.levels {
		l := kernel.Levels{Dim: c.spec.Dim, Tokens: pageTokens, Data: keys}
		l.Widen(wide, tokens)
		p.Data = asBytes(wide)
	}
	return p
}

// valuesOf returns the values of a page as panels of channels, of which the first so
// many tokens are there.
func (c *kv) valuesOf(values []byte, tokens int, wide []float32) kernel.Panels {
	p := kernel.Panels{Format: c.format, N: roundUp(c.spec.Dim, kernel.Lanes), K: pageTokens, Data: values}
	if c.levels {
		l := kernel.Levels{Dim: c.spec.Dim, Tokens: pageTokens, ByChannel: true, Data: values}
		l.Widen(wide, tokens)
		p.Data = asBytes(wide)
	}
	return p
}

// wideFloats is the scratch that keysOf and valuesOf need.
func (c *kv) wideFloats() int {
	if c.levels {
		return pageTokens * c.spec.Dim
	}
	return 0
}

// CopyPage implements [compute.KV].
func (c *kv) CopyPage(dst, src int32) {
	n := (c.keyBytes() + c.valueBytes()) * c.spec.Heads * c.spec.Layers
	copy(c.data[int(dst)*n:][:n], c.data[int(src)*n:][:n])
}

func asFloats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
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
