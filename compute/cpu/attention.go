package cpu

import "github.com/troikaml/troika/compute"

func (c *call) attention(op compute.Attention) bool { return false }

func (c *call) attentionBack(op compute.AttentionBack) {
	op.Reference(c.out, c.in)
}
