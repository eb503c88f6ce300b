package nn

import (
	"fmt"

	"github.com/troikaml/troika/compute"
)

// DecoderConfig describes a pre-norm decoder with grouped-query attention and a
// gated MLP: the family of Llama, Mistral, Qwen and Gemma.
type DecoderConfig struct {
	VocabSize, HiddenSize, IntermediateSize      int
	NumHiddenLayers                              int
	NumAttentionHeads, NumKeyValueHeads, HeadDim int
	RMSNormEps                                   float32
	Activation                                   compute.Activation
	TieWordEmbeddings                            bool
	QKVBias, OutBias, MLPBias                    bool
	QKNorm                                       bool           // RMSNorm over each head of q and k
	OutNorms                                     bool           // a norm after attention and MLP too, as Gemma 3 has
	NormOffset                                   float32        // is added to the scales of all norms
	EmbedScale                                   float32        // multiplies embeddings; 0 means 1
	AttnScale                                    float32        // multiplies the products of queries and keys
	Windows                                      []int          // of each layer, 0 for all positions
	Ropes                                        []compute.RoPE // of each layer
	MoE                                          *MoEConfig     // or nil
}

// Decoder is a stack of blocks between an embedding and an output head.
type Decoder struct {
	cfg    DecoderConfig
	Embed  *Embedding
	Blocks []*Block
	Norm   *RMSNorm
	Head   *Linear
	*Loaded
}

// Block is attention and MLP, each after a norm and beside a residual.
type Block struct {
	cfg            *DecoderConfig
	layer          int
	inNorm         *RMSNorm
	Q, K, V, O     *Linear
	qNorm, kNorm   *RMSNorm
	attnNorm       *RMSNorm // after attention, or nil
	mlpNorm        *RMSNorm
	Gate, Up, Down *Linear
	Experts        *Experts // in place of the three, or nil
	outNorm        *RMSNorm // after the MLP, or nil
}

// NewDecoder loads a decoder. The tensor paths are those of Llama in the
// transformers library, which its kin share.
func NewDecoder(cfg DecoderConfig, l *Loader) (*Decoder, error) {
	d := &Decoder{cfg: cfg}
	d.Embed = l.Embedding("model.embed_tokens", cfg.VocabSize, cfg.HiddenSize)
	d.Embed.Scale = cfg.EmbedScale
	for i := range cfg.NumHiddenLayers {
		d.Blocks = append(d.Blocks, newBlock(&d.cfg, i, l))
	}
	d.Norm = cfg.norm(l, "model.norm", cfg.HiddenSize)
	d.Head = l.Head("lm_head", d.Embed, cfg.VocabSize, cfg.HiddenSize, cfg.TieWordEmbeddings)
	l.Ignore(".rotary_emb.inv_freq")
	var err error
	if d.Loaded, err = l.Finish(); err != nil {
		return nil, err
	}
	return d, nil
}

// norm loads a norm over n channels.
func (c *DecoderConfig) norm(l *Loader, path string, n int) *RMSNorm {
	x := l.Norm(path, n, c.RMSNormEps)
	x.Offset = c.NormOffset
	return x
}

func newBlock(cfg *DecoderConfig, layer int, l *Loader) *Block {
	p := fmt.Sprintf("model.layers.%d.", layer)
	c, d := cfg.HiddenSize, cfg.HeadDim
	b := &Block{cfg: cfg, layer: layer}
	b.inNorm = cfg.norm(l, p+"input_layernorm", c)
	b.Q = l.Linear(p+"self_attn.q_proj", cfg.NumAttentionHeads*d, c, cfg.QKVBias)
	b.K = l.Linear(p+"self_attn.k_proj", cfg.NumKeyValueHeads*d, c, cfg.QKVBias)
	b.V = l.Linear(p+"self_attn.v_proj", cfg.NumKeyValueHeads*d, c, cfg.QKVBias)
	b.O = l.Linear(p+"self_attn.o_proj", c, cfg.NumAttentionHeads*d, cfg.OutBias)
	if cfg.QKNorm {
		b.qNorm = cfg.norm(l, p+"self_attn.q_norm", d)
		b.kNorm = cfg.norm(l, p+"self_attn.k_norm", d)
	}
	if cfg.OutNorms {
		b.attnNorm = cfg.norm(l, p+"post_attention_layernorm", c)
		b.mlpNorm = cfg.norm(l, p+"pre_feedforward_layernorm", c)
		b.outNorm = cfg.norm(l, p+"post_feedforward_layernorm", c)
	} else {
		b.mlpNorm = cfg.norm(l, p+"post_attention_layernorm", c)
	}
	if cfg.MoE != nil && cfg.MoE.Layers[layer] {
		b.Experts = l.Experts(p+"mlp", cfg)
		return b
	}
	b.Gate = l.Linear(p+"mlp.gate_proj", cfg.IntermediateSize, c, cfg.MLPBias)
	b.Up = l.Linear(p+"mlp.up_proj", cfg.IntermediateSize, c, cfg.MLPBias)
	b.Down = l.Linear(p+"mlp.down_proj", c, cfg.IntermediateSize, cfg.MLPBias)
	return b
}

// Forward returns the normed hidden states of the rows that an uploaded batch asks for,
// [T, C] where that is all. kv is nil in training.
func (d *Decoder) Forward(o compute.Ops, b *Batch, kv compute.KV) *compute.Tensor {
	x := d.Embed.Forward(o, b)
	for _, block := range d.Blocks {
		x = o.Block(func() *compute.Tensor { return block.forward(o, b, kv, x) }, x)
	}
	return d.Norm.Forward(o, x)
}

// Logits returns [N, V] for N rows of hidden states.
func (d *Decoder) Logits(o compute.Ops, b *Batch, hidden *compute.Tensor) *compute.Tensor {
	return d.Head.Forward(o, b, hidden)
}

// OutputHead returns the projection to the vocabulary.
func (d *Decoder) OutputHead() *Linear { return d.Head }

// Layers returns every linear layer an adapter may act on, in order.
func (d *Decoder) Layers() []*Linear { return d.Linears }

// Params returns the trainable tensors; none when the weights are frozen.
func (d *Decoder) Params() []Parameter { return d.Parameters }

// KVSpec returns the shape of a cache with the given number of pages.
func (d *Decoder) KVSpec(pages int) compute.KVSpec {
	return compute.KVSpec{
		Layers: d.cfg.NumHiddenLayers, Heads: d.cfg.NumKeyValueHeads, Dim: d.cfg.HeadDim, Pages: pages,
	}
}

// forward adds attention and MLP to x. Each is a scope of its own, and so is what the
// widest tensors are made for, because these decide how much memory a step takes. The
// last block goes on with the rows that are asked for once keys and values of all are
// made.
func (b *Block) forward(o compute.Ops, batch *Batch, kv compute.KV, x *compute.Tensor) *compute.Tensor {
	last := b.layer == b.cfg.NumHiddenLayers-1
	x = o.Block(func() *compute.Tensor {
		h, x, rest := b.attend(o, batch, kv, b.inNorm.Forward(o, x)), x, batch
		if last {
			h, x, rest = batch.output(o, h), batch.output(o, x), batch.out
		}
		h = b.O.Forward(o, rest, h)
		if b.attnNorm != nil {
			h = b.attnNorm.Forward(o, h)
		}
		return compute.Do(o, compute.Add{}, x, h)
	})
	if last {
		batch = batch.out
	}
	h := b.mlp(o, batch, x)
	if b.outNorm != nil {
		h = b.outNorm.Forward(o, h)
	}
	return compute.Do(o, compute.Add{}, x, h)
}

// mlp maps x [T, C], before its norm, to [T, C].
func (b *Block) mlp(o compute.Ops, batch *Batch, x *compute.Tensor) *compute.Tensor {
	if b.Experts != nil {
		return b.Experts.Forward(o, batch, b.mlpNorm.Forward(o, x))
	}
	gated := o.Block(func() *compute.Tensor {
		h := b.mlpNorm.Forward(o, x)
		return compute.Do(o, compute.GLU{Act: b.cfg.Activation}, b.Gate.Forward(o, batch, h), b.Up.Forward(o, batch, h))
	})
	return b.Down.Forward(o, batch, gated)
}

// attend maps h [T, C] to what the heads found, side by side.
func (b *Block) attend(o compute.Ops, batch *Batch, kv compute.KV, h *compute.Tensor) *compute.Tensor {
	cfg := b.cfg
	rows := len(batch.Tokens)
	q, k, v := b.Q.Forward(o, batch, h), b.K.Forward(o, batch, h), b.V.Forward(o, batch, h)
	if cfg.QKNorm {
		q, k = b.qNorm.Forward(o, q), b.kNorm.Forward(o, k)
	}
	rope := cfg.Ropes[b.layer]
	q = compute.Do(o, rope, o.Reshape(q, rows, cfg.NumAttentionHeads, cfg.HeadDim), batch.positions)
	k = compute.Do(o, rope, o.Reshape(k, rows, cfg.NumKeyValueHeads, cfg.HeadDim), batch.positions)
	v = o.Reshape(v, rows, cfg.NumKeyValueHeads, cfg.HeadDim)
	y := compute.Do(o, compute.Attention{
		Spans: batch.Spans, Scale: cfg.AttnScale, Causal: true,
		Window: cfg.Windows[b.layer], KV: kv, Layer: b.layer,
	}, q, k, v)
	return o.Reshape(y, rows, cfg.NumAttentionHeads*cfg.HeadDim)
}
