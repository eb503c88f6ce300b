package cpu

import (
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// backward is the gradient of attention for one key/value head of one span. It
// works on pairs of a tile of queries and a block of keys: a tile's dq grows
// over its blocks and a block's dk and dv over its tiles, both in ascending
// order, whichever loop is the outer one.
type backward struct {
	op    compute.Attention
	h     heads
	span  *compute.Span
	group int
	n     int // queries of a tile

	// For each row (query and head) of the span.
	query, dy, dq []float32 // [rows][dim], query times the scale, dq as [rows][wide]
	delta, lse    []float32

	// For each block of keys, as panels and as results.
	keys, values []float32 // lanes are tokens
	channels     []float32 // keys, lanes are channels
	dk, dv       []float32 // [tokens][wide]
}

func (c *call) attentionBack(op compute.AttentionBack) {
	h := headsOf(c.in[0].Spec, c.in[1].Spec)
	parts, total := backwards(op, h)
	mem, done := c.dev.scratch(total)
	defer done()
	cost := 1
	for _, b := range parts {
		mem = b.place(mem)
		cost = max(cost, b.span.Rows*b.span.Rows*h.share*h.dim/3)
	}
	w := &c.dev.work
	w.each(len(parts), cost/16, func(first, end int) {
		for _, b := range parts[first:end] {
			b.load(c.in)
		}
	})
	if len(parts) >= w.threads || cost < worthSharing {
		w.each(len(parts), cost, func(first, end int) {
			for _, b := range parts[first:end] {
				b.whole(c.dev)
			}
		})
	} else {
		for _, b := range parts {
			b.apart(c.dev)
		}
	}
	w.each(len(parts), cost/16, func(first, end int) {
		for _, b := range parts[first:end] {
			b.store(c.out)
		}
	})
}

// backwards returns the parts of a gradient, and the floats that they work on.
func backwards(op compute.AttentionBack, h heads) (parts []*backward, total int) {
	for i := range op.Spans {
		for g := range h.groups {
			b := &backward{op: compute.Attention(op), h: h, span: &op.Spans[i], group: g, n: h.queries()}
			parts = append(parts, b)
			total += b.floats()
		}
	}
	return parts, total
}

func (b *backward) tiles() int  { return (b.span.Rows + b.n - 1) / b.n }
func (b *backward) blocks() int { return (b.span.Rows + pageTokens - 1) / pageTokens }

// floats returns the memory that place hands out.
func (b *backward) floats() int {
	rows, tokens := b.span.Rows*b.h.share, b.blocks()*pageTokens
	return rows*(2*b.h.dim+b.h.wide+2) + tokens*(2*b.h.dim+3*b.h.wide)
}

func (b *backward) place(mem []float32) []float32 {
	take := func(n int) []float32 {
		part := mem[:n:n]
		mem = mem[n:]
		return part
	}
	rows, tokens := b.span.Rows*b.h.share, b.blocks()*pageTokens
	b.keys, b.values = take(tokens*b.h.dim), take(tokens*b.h.dim)
	b.channels, b.dk, b.dv = take(tokens*b.h.wide), take(tokens*b.h.wide), take(tokens*b.h.wide)
	b.dq = take(rows * b.h.wide)
	b.query, b.dy = take(rows*b.h.dim), take(rows*b.h.dim)
	b.delta, b.lse = take(rows), take(rows)
	return mem
}

// row returns the row of q seen as [T*H, D] that belongs to the part's row i.
func (b *backward) row(i int) int {
	return (b.span.Row+i/b.h.share)*b.h.all + b.group*b.h.share + i%b.h.share
}

// load gathers the inputs: q, k, v, y, lse, dy.
func (b *backward) load(in []compute.View) {
	dim := b.h.dim
	for i := range b.span.Rows * b.h.share {
		row := b.row(i)
		kernel.ScaleTo(b.query[i*dim:][:dim], b.op.Scale, in[0].F[row*dim:])
		copy(b.dy[i*dim:][:dim], in[5].F[row*dim:])
		b.lse[i] = in[4].F[row]
		var delta float64
		dy := in[5].F[row*dim:][:dim]
		for d, v := range in[3].F[row*dim:][:dim] {
			delta += float64(v) * float64(dy[d])
		}
		b.delta[i] = float32(delta)
	}
	width := b.h.groups * dim
	for first := 0; first < b.span.Rows; first += pageTokens {
		n := min(pageTokens, b.span.Rows-first)
		at := (b.span.Row+first)*width + b.group*dim
		packByToken(b.keys[first*dim:], in[1].F[at:], n, dim, width)
		packByToken(b.values[first*dim:], in[2].F[at:], n, dim, width)
		packByChannel(b.channels[first*b.h.wide:], in[1].F[at:], n, dim, width)
	}
	clear(b.dq)
	clear(b.dk)
	clear(b.dv)
}

// store writes the results: dq, dk, dv.
func (b *backward) store(out []compute.View) {
	dim, wide := b.h.dim, b.h.wide
	for i := range b.span.Rows * b.h.share {
		kernel.ScaleTo(out[0].F[b.row(i)*dim:][:dim], b.op.Scale, b.dq[i*wide:])
	}
	for r := range b.span.Rows {
		at := ((b.span.Row+r)*b.h.groups + b.group) * dim
		copy(out[1].F[at:][:dim], b.dk[r*wide:])
		copy(out[2].F[at:][:dim], b.dv[r*wide:])
	}
}

// whole computes all pairs once.
func (b *backward) whole(d *Device) {
	s := d.scratches.get()
	defer d.scratches.put(s)
	for k := range b.blocks() {
		for t := range b.tiles() {
			b.pair(t, k, true, true, s)
		}
	}
}

// apart lets all workers take part: each pair is computed twice, once for its
// tile and once for its block.
func (b *backward) apart(d *Device) {
	tiles, blocks := b.tiles(), b.blocks()
	d.work.share(tiles+blocks, 1, func(first, end int) {
		s := d.scratches.get()
		defer d.scratches.put(s)
		for i := first; i < end; i++ {
			if i < tiles {
				for k := range blocks {
					b.pair(i, k, true, false, s)
				}
				continue
			}
			for t := range tiles {
				b.pair(t, i-tiles, false, true, s)
			}
		}
	})
}

// pair adds what tile t and block k give each other: to dq with forTile, to dk
// and dv with forBlock.
func (b *backward) pair(t, k int, forTile, forBlock bool, s *scratch) {
	r0, r1 := t*b.n, min((t+1)*b.n, b.span.Rows)
	k0 := k * pageTokens
	first, _ := b.op.Keys(r0, b.span.Rows)
	_, end := b.op.Keys(r1-1, b.span.Rows)
	if end <= k0 || first >= k0+pageTokens {
		return
	}
	dim, wide, m := b.h.dim, b.h.wide, (r1-r0)*b.h.share
	from := r0 * b.h.share
	buf := s.floats(2 * m * pageTokens)
	p, ds := buf[:m*pageTokens], buf[m*pageTokens:]
	query, dy := b.query[from*dim:][:m*dim], b.dy[from*dim:][:m*dim]

	keys := kernel.Panels{Format: kernel.F32, N: pageTokens, K: dim, Data: asBytes(b.keys[k0*dim:][:pageTokens*dim])}
	kernel.MatMul(p, pageTokens, query, dim, m, &keys, 0, pageTokens/kernel.Lanes, false, &s.kernel)
	values := kernel.Panels{Format: kernel.F32, N: pageTokens, K: dim, Data: asBytes(b.values[k0*dim:][:pageTokens*dim])}
	kernel.MatMul(ds, pageTokens, dy, dim, m, &values, 0, pageTokens/kernel.Lanes, false, &s.kernel)
	for i := range m {
		lo, hi := b.op.Keys(r0+i/b.h.share, b.span.Rows)
		softmaxBack(p[i*pageTokens:][:pageTokens], ds[i*pageTokens:][:pageTokens], lo-k0, hi-k0, b.lse[from+i], b.delta[from+i])
	}
	if forTile {
		channels := kernel.Panels{Format: kernel.F32, N: wide, K: pageTokens, Data: asBytes(b.channels[k0*wide:][:pageTokens*wide])}
		kernel.MatMul(b.dq[from*wide:][:m*wide], wide, ds, pageTokens, m, &channels, 0, wide/kernel.Lanes, true, &s.kernel)
	}
	if forBlock {
		left := func(x []float32) kernel.Dense {
			return kernel.Dense{Data: x, Stride: pageTokens, Transposed: true}
		}
		right := func(x []float32) kernel.Dense { return kernel.Dense{Data: x, Stride: dim} }
		kernel.Gemm(b.dk[k0*wide:][:pageTokens*wide], wide, left(ds), right(query), pageTokens, dim, m, 1, true, &s.kernel)
		kernel.Gemm(b.dv[k0*wide:][:pageTokens*wide], wide, left(p), right(dy), pageTokens, dim, m, 1, true, &s.kernel)
	}
}

// softmaxBack turns scores into weights p and the gradient of the weights into
// that of the scores, ds = p * (ds - delta), for the positions from to to.
func softmaxBack(p, ds []float32, from, to int, lse, delta float32) {
	from, to = max(from, 0), min(to, len(p))
	if from >= to {
		clear(p)
		clear(ds)
		return
	}
	clear(p[:from])
	clear(p[to:])
	clear(ds[:from])
	clear(ds[to:])
	kernel.SoftmaxBack(p[from:to], ds[from:to], lse, delta)
}
