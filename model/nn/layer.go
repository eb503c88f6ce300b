package nn

import "github.com/troikaml/troika/compute"

// Hook adds an adapter's contribution to a linear layer: y [T, Out] is what the
// layer made of x [T, In]; the result replaces it.
type Hook interface {
	Forward(o compute.Ops, b *Batch, x, y *compute.Tensor) *compute.Tensor
}

// Linear is y = x Wᵀ + bias, then its hook.
type Linear struct {
	Path    string // such as "model.layers.0.self_attn.q_proj"
	In, Out int
	Index   int // position among the model's linear layers

	Weight compute.Weight  // frozen, or nil
	Param  *compute.Tensor // trainable [Out, In], or nil
	Bias   *compute.Tensor // [Out], or nil
	Hook   Hook            // an adapter, or nil
}

// Forward applies the layer to x [T, In].
func (l *Linear) Forward(o compute.Ops, b *Batch, x *compute.Tensor) *compute.Tensor {
	var y *compute.Tensor
	if l.Weight != nil {
		y = compute.Do(o, compute.Linear{W: l.Weight}, x)
	} else {
		y = compute.Do(o, compute.MatMul{TransB: true}, x, l.Param)
	}
	if l.Bias != nil {
		y = compute.Do(o, compute.AddBias{}, y, l.Bias)
	}
	if l.Hook != nil {
		y = l.Hook.Forward(o, b, x, y)
	}
	return y
}

// RMSNorm scales rows, or heads, to unit root mean square.
type RMSNorm struct {
	Scale  *compute.Tensor // [C]
	Eps    float32
	Offset float32 // is added to Scale
}

// Forward applies the norm to x [..., C].
func (n *RMSNorm) Forward(o compute.Ops, x *compute.Tensor) *compute.Tensor {
	return compute.Do(o, compute.RMSNorm{Eps: n.Eps, Offset: n.Offset}, x, n.Scale)
}

// LayerNorm brings rows to mean zero and variance one.
type LayerNorm struct {
	Scale, Bias *compute.Tensor // [C]
	Eps         float32
}

// Forward applies the norm to x [T, C].
func (n *LayerNorm) Forward(o compute.Ops, x *compute.Tensor) *compute.Tensor {
	return compute.Do(o, compute.LayerNorm{Eps: n.Eps}, x, n.Scale, n.Bias)
}

// Embedding turns tokens into rows.
type Embedding struct {
	Weight compute.Weight  // frozen [V, C], or nil
	Param  *compute.Tensor // trainable [V, C], or nil
	Scale  float32         // multiplies the rows; 0 means 1
}

// Forward returns [T, C] for the batch's tokens.
func (e *Embedding) Forward(o compute.Ops, b *Batch) *compute.Tensor {
	var x *compute.Tensor
	if e.Weight != nil {
		x = compute.Do(o, compute.Embed{W: e.Weight}, b.tokens)
	} else {
		x = compute.Do(o, compute.GatherRows{}, e.Param, b.tokens)
	}
	if e.Scale != 0 {
		x = compute.Do(o, compute.Scale{By: e.Scale}, x)
	}
	return x
}
