package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/bundle"
)

func newQuantizeCmd(a *app) *cobra.Command {
	mixture := "Q4_K_M"
	cmd := &cobra.Command{
		Use:   "quantize MODEL FILE.gguf --type TYPE",
		Short: "Write a model with fewer bits a weight, as a GGUF file",
		Long: `Write a model with fewer bits a weight, as a GGUF file.

The types are llama.cpp's, with its choice of which tensors get more bits. The file
opens there and here. Measure what it costs with troika eval --text on both.`,
		Example: `  troika quantize ./Qwen3-0.6B qwen3-q4.gguf
  troika quantize model-f16.gguf model-q8.gguf --type Q8_0`,
		Args: wantArgs("a model and a file to write", 2),
		RunE: func(_ *cobra.Command, args []string) error {
			if !isGGUF(args[1]) {
				return usagef("%s: quantised models are GGUF files; choose a name that ends in .gguf", args[1])
			}
			b, err := a.openBase(args[0])
			if err != nil {
				return err
			}
			names, err := b.NamesGGUF()
			if err != nil {
				return err
			}
			choose, err := bundle.Mixture(mixture, names)
			if err != nil {
				return usagef("--type: %v", err)
			}
			return a.writeModel(b, args[1], bundle.Conversion{DType: choose})
		},
	}
	cmd.Flags().StringVar(&mixture, "type", mixture, "one of "+strings.Join(bundle.Mixtures(), ", "))
	return cmd
}
