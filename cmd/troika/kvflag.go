package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/troikaml/troika/tensor"
)

// kvType is what a key/value cache keeps, as a flag.
type kvType struct{ dtype tensor.DType }

// kvFlag adds --kv.
func kvFlag(f *pflag.FlagSet, k *kvType) {
	k.dtype = tensor.F32
	f.Var(k, "kv", "what the cache keeps keys and values in: f32, which answers with the bits of training, or f16 or q8_0, which round and take less memory")
}

// speculateFlag adds --speculate.
func speculateFlag(f *pflag.FlagSet, n *int) {
	f.IntVar(n, "speculate", 0, "guess so many tokens ahead from what was said before, and check them in one pass; changes no token, and is faster where answers quote (default none)")
}

// Set implements [pflag.Value].
func (k *kvType) Set(text string) error {
	for _, d := range []tensor.DType{tensor.F32, tensor.F16, tensor.Q8_0} {
		if strings.EqualFold(text, d.String()) {
			k.dtype = d
			return nil
		}
	}
	return fmt.Errorf("%q is none of f32, f16 and q8_0", text)
}

// String implements [pflag.Value].
func (k *kvType) String() string { return strings.ToLower(k.dtype.String()) }

// Type implements [pflag.Value].
func (*kvType) Type() string { return "type" }
