package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/bundle"
)

func newQuantizeCmd(a *app) *cobra.Command {
	mixture, text := "Q4_K_M", ""
	cmd := &cobra.Command{
		Use:   "quantize MODEL FILE.gguf --type TYPE",
		Short: "Write a model with fewer bits a weight, as a GGUF file",
		Long: `Write a model with fewer bits a weight, as a GGUF file.

The types are llama.cpp's, with its choice of which tensors get more bits. The file
opens there and here. --perplexity tells what it costs: the perplexity of a text before
and after, as troika eval --text measures it. Memory does not grow with the model.`,
		Example: `  troika quantize ./Qwen3-0.6B qwen3-q4.gguf
  troika quantize model-f16.gguf model-q8.gguf --type Q8_0
  troika quantize ./Qwen3-0.6B qwen3-q4.gguf --perplexity held-out.jsonl`,
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
			if text == "" {
				return a.writeModel(b, args[1], bundle.Conversion{DType: choose})
			}
			before, err := a.perplexity(args[0], text)
			if err != nil {
				return err
			}
			if err := a.writeModel(b, args[1], bundle.Conversion{DType: choose}); err != nil {
				return err
			}
			after, err := a.perplexity(args[1], text)
			if err != nil {
				return err
			}
			return a.showCost(before, after)
		},
	}
	cmd.Flags().StringVar(&mixture, "type", mixture, "one of "+strings.Join(bundle.Mixtures(), ", "))
	cmd.Flags().StringVar(&text, "perplexity", "", "text to measure both models on, JSON lines with a text field")
	return cmd
}

// perplexity measures a model on a text.
func (a *app) perplexity(name, text string) (float64, error) {
	s, err := a.open(name)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	data, err := readText(s, text)
	if err != nil {
		return 0, err
	}
	loss, err := s.loss(data.pieces, s.slot())
	return math.Exp(loss), err
}

// showCost tells what quantising did to a text's perplexity.
func (a *app) showCost(before, after float64) error {
	if a.JSON {
		return a.WriteJSON(map[string]any{"perplexity_before": before, "perplexity_after": after, "ratio": after / before})
	}
	_, err := fmt.Fprintf(a.Out, "perplexity %.3f before, %.3f after (%+.2f %%)\n", before, after, 100*(after/before-1))
	return err
}
