package cpu

import (
	"math"

	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/compute/cpu/kernel"
)

// tileRows is about how many rows, each a query of one head, pass by a block of
// keys together.
const tileRows = 64

// heads is the geometry of attention.
type heads struct {
	all, groups, dim int
	wide             int // dim rounded up to whole panels
	share            int // query heads of a key/value head
}

func headsOf(q, k compute.Spec) heads {
	h := heads{all: q.Shape[1], groups: k.Shape[1], dim: q.Shape[2]}
	h.wide, h.share = roundUp(h.dim, kernel.Lanes), h.all/h.groups
	return h
}

// queries is how many queries, each with all heads of a group, make a tile.
func (h heads) queries() int { return max(1, tileRows/h.share) }

// attend is one task of attention: some queries of a span, for some heads of a
// key/value head. Its rows are ordered by query, then by head.
type attend struct {
	span        *compute.Span
	first, rows int // queries within the span
	page        int // of an uncached span: its first page
	group       int
	head, share int // the heads of the group that take part
}

// attention works on pages of keys and values in every case: without a cache it
// lays them out the same way first. A row visits them in ascending order and
// treats each alone, so its bits depend neither on the tile nor on the call.
func (c *call) attention(op compute.Attention) bool {
	h := headsOf(c.in[0].Spec, c.in[1].Spec)
	var pages *kv
	if op.KV == nil {
		op.Layer = 0
		pages = newKV(compute.KVSpec{Layers: 1, Heads: h.groups, Dim: h.dim, Pages: uncachedPages(op.Spans)})
		mem, done := c.dev.scratch(uncachedFloats(op.Spans, h))
		defer done()
		pages.data = asBytes(mem)
		c.packPages(op.Spans, h, pages)
	} else {
		cache, ok := op.KV.(*kv)
		if !ok {
			return false // made by another device
		}
		pages = cache
		c.storePages(op, h, cache)
	}
	tasks, cost := c.attentionTasks(op, h)
	q, y, lse := c.in[0].F, c.out[0].F, c.out[1].F
	run := func(first, end int) {
		s := c.dev.scratches.get()
		for _, t := range tasks[first:end] {
			attendTile(op, h, pages, t, q, y, lse, s)
		}
		c.dev.scratches.put(s)
	}
	if cost < worthSharing {
		run(0, len(tasks))
	} else {
		c.dev.work.share(len(tasks), 1, run)
	}
	return true
}

// uncachedFloats is the memory of the pages of uncached spans.
func uncachedFloats(spans []compute.Span, h heads) int {
	return uncachedPages(spans) * h.groups * pageTokens * (h.dim + h.wide)
}

func uncachedPages(spans []compute.Span) int {
	n := 0
	for _, s := range spans {
		n += (s.Rows + pageTokens - 1) / pageTokens
	}
	return n
}

// packPages lays the keys and values of uncached spans out as pages.
func (c *call) packPages(spans []compute.Span, h heads, pages *kv) {
	k, v := c.in[1].F, c.in[2].F
	width := h.groups * h.dim
	page := 0
	for _, s := range spans {
		n := (s.Rows + pageTokens - 1) / pageTokens
		c.dev.work.each(n*h.groups, 3*pageTokens*h.dim, func(first, end int) {
			for i := first; i < end; i++ {
				b, g := i/h.groups, i%h.groups
				keys, values := pages.at(0, int32(page+b), g)
				at := (s.Row+b*pageTokens)*width + g*h.dim
				rows := min(pageTokens, s.Rows-b*pageTokens)
				packByToken(asFloats(keys), k[at:], rows, h.dim, width)
				packByChannel(asFloats(values), v[at:], rows, h.dim, width)
			}
		})
		page += n
	}
}

// storePages puts the new keys and values into the cache.
func (c *call) storePages(op compute.Attention, h heads, cache *kv) {
	k, v := c.in[1].F, c.in[2].F
	for _, s := range op.Spans {
		c.dev.work.each(s.Rows, 3*h.groups*h.dim, func(first, end int) {
			for r := first; r < end; r++ {
				pos := s.Start + r
				for g := range h.groups {
					at := ((s.Row+r)*h.groups + g) * h.dim
					cache.Put(op.Layer, s.Pages[pos/pageTokens], pos%pageTokens, g, k[at:at+h.dim], v[at:at+h.dim])
				}
			}
		})
	}
}

// attentionTasks cuts the work and guesses its time in nanoseconds. Tiles come
// last to first, because with a causal mask the last ones take longest.
func (c *call) attentionTasks(op compute.Attention, h heads) ([]attend, int) {
	tasks := c.attends[:0]
	queries := h.queries()
	cost, page := 0, 0
	for i := range op.Spans {
		s := &op.Spans[i]
		for g := range h.groups {
			for tile := (s.Rows - 1) / queries; tile >= 0; tile-- {
				t := attend{span: s, first: tile * queries, page: page, group: g, share: h.share}
				t.rows = min(queries, s.Rows-t.first)
				tasks = append(tasks, t)
			}
		}
		cost += s.Rows * h.all * h.dim * (s.Start + s.Rows) / 8
		page += (s.Rows + pageTokens - 1) / pageTokens
	}
	if len(tasks) < c.dev.work.threads && h.share > 1 && cost > worthSharing {
		tasks = splitHeads(tasks, c.dev.work.threads)
	}
	c.attends = tasks
	return tasks, cost
}

// splitHeads cuts tasks by heads until there are enough of them.
func splitHeads(tasks []attend, enough int) []attend {
	parts := min((enough+len(tasks)-1)/len(tasks), tasks[0].share)
	var cut []attend
	for _, t := range tasks {
		for p := range parts {
			part := t
			part.head = p * t.share / parts
			part.share = (p+1)*t.share/parts - part.head
			cut = append(cut, part)
		}
	}
	return cut
}

// attendTile computes y and lse for a task's rows.
func attendTile(op compute.Attention, h heads, pages *kv, t attend, q, y, lse []float32, s *scratch) {
	m := t.rows * t.share
	buf := s.floats(m*(h.dim+h.wide+pageTokens+2) + pages.wideFloats())
	query, buf := buf[:m*h.dim], buf[m*h.dim:]
	acc, buf := buf[:m*h.wide], buf[m*h.wide:]
	score, buf := buf[:m*pageTokens], buf[m*pageTokens:]
	peak, sum, wide := buf[:m], buf[m:2*m], buf[2*m:]
	clear(acc)
	clear(sum)
	for i := range m {
		peak[i] = minusInf
		at := h.row(t, i) * h.dim
		kernel.ScaleTo(query[i*h.dim:][:h.dim], op.Scale, q[at:at+h.dim])
	}
	n := t.span.Start + t.span.Rows
	first, _ := op.Keys(t.span.Start+t.first, n)
	_, end := op.Keys(t.span.Start+t.first+t.rows-1, n)
	for b := first / pageTokens; b*pageTokens < end; b++ {
		page := int32(t.page + b)
		if op.KV != nil {
			page = t.span.Pages[b]
		}
		keys, values := pages.at(op.Layer, page, t.group)
		valid := min(pageTokens, end-b*pageTokens)
		panels := pages.keysOf(keys, valid, wide)
		kernel.MatMul(score, pageTokens, query, h.dim, m, &panels, 0, kernel.PanelCount(valid), false, &s.kernel)
		for i := range m {
			from, to := op.Keys(t.span.Start+t.first+i/t.share, n)
			x := score[i*pageTokens:][:pageTokens]
			online(x, from-b*pageTokens, to-b*pageTokens, &peak[i], &sum[i], acc[i*h.wide:][:h.wide])
		}
		panels = pages.valuesOf(values, valid, wide)
		addValues(acc, score, &panels, m, valid, s)
	}
	for i := range m {
		row := h.row(t, i)
		kernel.ScaleTo(y[row*h.dim:][:h.dim], 1/sum[i], acc[i*h.wide:])
		lse[row] = peak[i] + float32(math.Log(float64(sum[i])))
	}
}

// row returns the row of q and y, seen as [T*H, D], of a task's row i.
func (h heads) row(t attend, i int) int {
	return (t.span.Row+t.first+i/t.share)*h.all + t.group*h.share + t.head + i%t.share
}

// online turns the scores of a block into weights relative to the largest score
// so far, and brings the sum and the result so far to the same scale. The row
// sees positions from to to of the block; the others weigh nothing.
func online(x []float32, from, to int, peak, sum *float32, acc []float32) {
	from, to = max(from, 0), min(to, len(x))
	if from >= to {
		clear(x)
		return
	}
	fill(x[:from], minusInf)
	fill(x[to:], minusInf)
	top := max(*peak, kernel.Peak(x))
	if top > *peak {
		fade := float32(math.Exp(float64(*peak - top)))
		*sum *= fade
		kernel.ScaleTo(acc, fade, acc)
		*peak = top
	}
	*sum += float32(kernel.ExpSum(x, x, top))
}

// addValues adds weights [m, valid] times the values of a page to acc. Slots from
// valid on hold anything and are not read.
func addValues(acc, weights []float32, values *kernel.Panels, m, valid int, s *scratch) {
	wide := values.N
	if valid == pageTokens {
		kernel.MatMul(acc, wide, weights, pageTokens, m, values, 0, wide/kernel.Lanes, true, &s.kernel)
		return
	}
	lanes := kernel.StripLanes(values.Format)
	for d := 0; d < wide; d += lanes {
		n := min(lanes, wide-d)
		strip := kernel.Panels{Format: values.Format, N: n, K: valid, Data: values.Data[kernel.PanelBytes(values.Format, d, pageTokens):]}
		kernel.MatMul(acc[d:], wide, weights, pageTokens, m, &strip, 0, n/kernel.Lanes, true, &s.kernel)
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}
