package train

import (
	"errors"
	"fmt"
	"math"
)

// Config is the recipe of a run. The zero value of a field takes the default
// named beside it, except where zero is meaningful.
type Config struct {
	Steps       int     `json:"steps"`        // optimizer steps; 0: as many as Epochs give
	Epochs      float64 `json:"epochs"`       // passes over the data when Steps is 0
	MicroTokens int     `json:"micro_tokens"` // tokens packed into one micro-batch
	Accumulate  int     `json:"accumulate"`   // micro-batches of one step
	LR          float64 `json:"learning_rate"`
	MinLR       float64 `json:"min_learning_rate"` // end of the cosine
	Warmup      int     `json:"warmup_steps"`
	WeightDecay float64 `json:"weight_decay"`
	Beta1       float64 `json:"beta1"`
	Beta2       float64 `json:"beta2"`
	Eps         float64 `json:"epsilon"`
	ClipNorm    float64 `json:"clip_norm"` // 0: no clipping
	Seed        uint64  `json:"seed"`
	SaveEvery   int     `json:"save_every"`  // steps between saved states; 0: only at the end
	ValidEvery  int     `json:"valid_every"` // steps between validation losses; 0: only at the end
}

// DefaultConfig returns the recipe that suits a LoRA of a few thousand examples.
func DefaultConfig() Config {
	return Config{
		Epochs: 3, MicroTokens: 512, Accumulate: 4, LR: 2e-4, Warmup: 10, Beta1: 0.9, Beta2: 0.999,
		Eps: 1e-8, ClipNorm: 1, SaveEvery: 50, ValidEvery: 100,
	}
}

func (c *Config) check() error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(c.Steps < 0, "steps is %d, want at least 0", c.Steps)
	bad(c.Steps == 0 && !(c.Epochs > 0 && c.Epochs < 1e6), "epochs is %g, want a positive number", c.Epochs)
	bad(c.MicroTokens < 2, "micro_tokens is %d, want at least 2", c.MicroTokens)
	bad(c.Accumulate < 1, "accumulate is %d, want at least 1", c.Accumulate)
	bad(!(c.LR > 0) || math.IsInf(c.LR, 0), "learning_rate is %g, want a positive number", c.LR)
	bad(!(c.MinLR >= 0 && c.MinLR <= c.LR), "min_learning_rate is %g, want 0 to learning_rate", c.MinLR)
	bad(c.Warmup < 0, "warmup_steps is %d, want at least 0", c.Warmup)
	bad(!(c.WeightDecay >= 0), "weight_decay is %g, want at least 0", c.WeightDecay)
	bad(!(c.Beta1 >= 0 && c.Beta1 < 1), "beta1 is %g, want 0 to 1", c.Beta1)
	bad(!(c.Beta2 >= 0 && c.Beta2 < 1), "beta2 is %g, want 0 to 1", c.Beta2)
	bad(!(c.Eps > 0), "epsilon is %g, want a positive number", c.Eps)
	bad(!(c.ClipNorm >= 0), "clip_norm is %g, want at least 0", c.ClipNorm)
	return errors.Join(errs...)
}

// Rate returns the learning rate of a step, which counts from 1: a linear warm-up,
// then half a cosine down to MinLR at the last step.
func (c *Config) Rate(step, steps int) float64 {
	if step <= c.Warmup {
		return c.LR * float64(step) / float64(c.Warmup)
	}
	done := float64(step-c.Warmup) / float64(max(1, steps-c.Warmup))
	return c.MinLR + (c.LR-c.MinLR)*0.5*(1+math.Cos(math.Pi*min(1, done)))
}
