package compute

import (
	"math"

	"github.com/troikaml/troika/tensor"
)

// Span is a run of rows of one sequence in a batch.
type Span struct {
	Row, Rows int     // the rows of q, k and v
	Start     int     // position of the first row in its sequence
	Pages     []int32 // cache pages of the sequence, page p for positions from p*PageTokens
}

// Attention is scaled dot-product attention over ragged sequences: q [T, H, D],
// k and v [T, G, D] with G dividing H; results y [T, H, D] and lse [T, H], the
// logarithm of the softmax's denominator.
//
// Rows of a Span see only their own sequence. Without a cache a Span starts at
// position 0 and its keys are its rows. With a cache the keys and values are
// first stored at their positions, then attention reads positions 0 and on.
// Keys are visited in blocks of [PageTokens] positions in ascending order.
type Attention struct {
	Spans  []Span
	Scale  float32 // of the dot products, usually 1/sqrt(D)
	Causal bool    // a row sees positions up to its own
	Window int     // if positive, a row sees at most this many positions, its own included
	KV     KV      // nil without a cache
	Layer  int     // of KV
}

// Name implements [Op].
func (Attention) Name() string { return "Attention" }

// Results implements [Op].
func (op Attention) Results(in []Spec) []Spec {
	want(op, in, 3)
	op.check(in)
	q := in[0]
	return []Spec{q, Float(q.Shape[0], q.Shape[1])}
}

func (op Attention) check(in []Spec) {
	for _, s := range in[:3] {
		rank(op, s, 3)
	}
	q, k := in[0].Shape, in[1].Shape
	same(op, in[2], in[1])
	if k[0] != q[0] || k[2] != q[2] || k[1] == 0 || q[1]%k[1] != 0 {
		Fail(op.Name(), "queries %v do not fit keys %v", in[0], in[1])
	}
	if op.KV != nil {
		if s := op.KV.Spec(); s.Heads != k[1] || s.Dim != k[2] || op.Layer >= s.Layers {
			Fail(op.Name(), "cache %+v does not fit keys %v of layer %d", s, in[1], op.Layer)
		}
	}
	next := 0
	for _, s := range op.Spans {
		if s.Row != next || s.Rows < 1 || s.Start < 0 || (op.KV == nil && s.Start != 0) {
			Fail(op.Name(), "span %+v does not follow row %d", s, next)
		}
		if op.KV != nil && len(s.Pages)*PageTokens < s.Start+s.Rows {
			Fail(op.Name(), "%d pages for %d positions", len(s.Pages), s.Start+s.Rows)
		}
		next = s.Row + s.Rows
	}
	if next != q[0] {
		Fail(op.Name(), "spans cover %d of %d rows", next, q[0])
	}
}

// Keys returns the range of positions that the row at position pos of a sequence
// with n positions sees.
func (op Attention) Keys(pos, n int) (first, end int) {
	end = n
	if op.Causal {
		end = pos + 1
	}
	if op.Window > 0 {
		first = max(0, pos-op.Window+1)
	}
	return first, end
}

// Reference implements [Op].
func (op Attention) Reference(out, in []View) {
	for _, s := range op.Spans {
		key, value := op.gather(s, in[1], in[2])
		op.span(s, out, in[0], key, value)
	}
}

// gather returns the keys and values of a whole sequence, [position][G*D].
func (op Attention) gather(s Span, k, v View) (key, value []float32) {
	groups, dim := k.Shape[1], k.Shape[2]
	width := groups * dim
	if op.KV == nil {
		return k.F[s.Row*width:][:s.Rows*width], v.F[s.Row*width:][:s.Rows*width]
	}
	for r := range s.Rows {
		pos := s.Start + r
		for g := range groups {
			at := (s.Row+r)*width + g*dim
			op.KV.Put(op.Layer, s.Pages[pos/PageTokens], pos%PageTokens, g, k.F[at:at+dim], v.F[at:at+dim])
		}
	}
	n := s.Start + s.Rows
	key, value = make([]float32, n*width), make([]float32, n*width)
	for pos := range n {
		for g := range groups {
			at := pos*width + g*dim
			op.KV.Get(op.Layer, s.Pages[pos/PageTokens], pos%PageTokens, g, key[at:at+dim], value[at:at+dim])
		}
	}
	return key, value
}

func (op Attention) span(s Span, out []View, q View, key, value []float32) {
	heads, dim := q.Shape[1], q.Shape[2]
	n := s.Start + s.Rows
	width := len(key) / n
	p := make([]float64, n)
	for r := range s.Rows {
		first, end := op.Keys(s.Start+r, n)
		for h := range heads {
			row := (s.Row+r)*heads + h
			head := h * (width / dim) / heads * dim
			x, y := q.F[row*dim:][:dim], out[0].F[row*dim:][:dim]
			peak := math.Inf(-1)
			for j := first; j < end; j++ {
				p[j] = dot(x, key[j*width+head:][:dim]) * float64(op.Scale)
				peak = max(peak, p[j])
			}
			var sum float64
			acc := make([]float64, dim)
			for j := first; j < end; j++ {
				e := math.Exp(p[j] - peak)
				sum += e
				axpy(acc, e, value[j*width+head:][:dim])
			}
			for d := range y {
				y[d] = float32(acc[d] / sum)
			}
			out[1].F[row] = float32(peak + math.Log(sum))
		}
	}
}

// Saves implements [Differentiable].
func (Attention) Saves() (in, out uint) { return 0b111, 0b11 }

// Gradient implements [Differentiable]. Attention over a cache has none.
func (op Attention) Gradient(o Ops, n Node) []*Tensor {
	if op.KV != nil {
		Fail(op.Name(), "attention over a cache has no gradient")
	}
	d := o.Apply(AttentionBack(op), n.In[0], n.In[1], n.In[2], n.Out[0], n.Out[1], n.Grad[0])
	return wanted(n, func(i int) *Tensor { return d[i].Retain() })
}

// AttentionBack is the gradient of [Attention] without a cache: inputs q, k, v,
// y, lse, dy; results dq, dk, dv. Sums run over rows and heads in ascending order.
type AttentionBack Attention

// Name implements [Op].
func (AttentionBack) Name() string { return "AttentionBack" }

// Results implements [Op].
func (op AttentionBack) Results(in []Spec) []Spec {
	want(op, in, 6)
	Attention(op).check(in[:3])
	same(op, in[3], in[0])
	same(op, in[4], Spec{DType: tensor.F32, Shape: in[0].Shape[:2]})
	same(op, in[5], in[0])
	return []Spec{in[0], in[1], in[2]}
}

// Reference implements [Op].
func (op AttentionBack) Reference(out, in []View) {
	heads, dim, width := in[0].Shape[1], in[0].Shape[2], in[1].Shape[1]*in[1].Shape[2]
	dk, dv := make([]float64, len(in[1].F)), make([]float64, len(in[2].F))
	for _, s := range op.Spans {
		for r := range s.Rows {
			first, end := Attention(op).Keys(r, s.Rows)
			for h := range heads {
				row := (s.Row+r)*heads + h
				head := h * in[1].Shape[1] / heads * dim
				q, y, dy := in[0].F[row*dim:][:dim], in[3].F[row*dim:][:dim], in[5].F[row*dim:][:dim]
				delta := dot(y, dy)
				dq := make([]float64, dim)
				for j := first; j < end; j++ {
					at := (s.Row+j)*width + head
					k, v := in[1].F[at:at+dim], in[2].F[at:at+dim]
					p := math.Exp(dot(q, k)*float64(op.Scale) - float64(in[4].F[row]))
					ds := p * (dot(dy, v) - delta) * float64(op.Scale)
					axpy(dq, ds, k)
					axpy(dk[at:at+dim], ds, q)
					axpy(dv[at:at+dim], p, dy)
				}
				for d, v := range dq {
					out[0].F[row*dim+d] = float32(v)
				}
			}
		}
	}
	for i := range dk {
		out[1].F[i], out[2].F[i] = float32(dk[i]), float32(dv[i])
	}
}
