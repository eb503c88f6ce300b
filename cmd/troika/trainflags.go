package main

import (
	"github.com/spf13/pflag"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/train"
)

// adapterFlags are the flags of every verb that makes an adapter.
func adapterFlags(f *pflag.FlagSet, c *adapter.Config) {
	f.IntVar(&c.Rank, "rank", c.Rank, "rank of the adapter")
	f.Float64Var(&c.Alpha, "alpha", c.Alpha, "scale of the adapter, divided by its rank")
	f.BoolVar(&c.RSLoRA, "rslora", c.RSLoRA, "divide --alpha by the square root of the rank (rsLoRA)")
	f.Float64Var(&c.Dropout, "dropout", c.Dropout, "share of the adapter's inputs dropped in training")
	f.Float64Var(&c.LRRatio, "lr-ratio", c.LRRatio, "learning rate of B over that of A, which --lr is (LoRA+; default 1)")
}

// trainFlags are the flags of every verb that trains.
func trainFlags(f *pflag.FlagSet, c *train.Config) {
	f.IntVar(&c.Steps, "steps", c.Steps, "optimizer steps (default: as many as --epochs give)")
	f.Float64Var(&c.Epochs, "epochs", c.Epochs, "passes over the data")
	f.IntVar(&c.MicroTokens, "micro-tokens", c.MicroTokens, "tokens packed into one micro-batch")
	f.IntVar(&c.Accumulate, "accumulate", c.Accumulate, "micro-batches of one step")
	f.Float64Var(&c.LR, "lr", c.LR, "highest learning rate")
	f.Float64Var(&c.MinLR, "min-lr", c.MinLR, "learning rate at the last step")
	f.IntVar(&c.Warmup, "warmup", c.Warmup, "steps of linear warm-up")
	f.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "decoupled weight decay of matrices")
	f.Float64Var(&c.Beta1, "beta1", c.Beta1, "decay of AdamW's first moment")
	f.Float64Var(&c.Beta2, "beta2", c.Beta2, "decay of AdamW's second moment")
	f.Float64Var(&c.ClipNorm, "clip", c.ClipNorm, "largest gradient norm; 0 for no clipping")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of shuffling, dropout and initialisation")
	f.IntVar(&c.SaveEvery, "save-every", c.SaveEvery, "steps between saved states; 0 for only at the end")
	f.IntVar(&c.ValidEvery, "valid-every", c.ValidEvery, "steps between validation losses; 0 for only at the end")
}
