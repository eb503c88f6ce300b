package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tensor"
)

func newConvertCmd(a *app) *cobra.Command {
	var dtype string
	cmd := &cobra.Command{
		Use:   "convert MODEL DESTINATION",
		Short: "Write a model as a GGUF file, or as a Hugging Face directory",
		Long: `Write a model as a GGUF file, or as a Hugging Face directory.

DESTINATION is a file that ends in .gguf, which llama.cpp and its kin open, or else a
directory. There and back gives the same bytes: what GGUF has no place for is kept in
the file, where others pass over it. What llama.cpp will not find is told.

Quantised tensors become F32 in a directory, with the same values.`,
		Example: `  troika convert starter starter.gguf
  troika convert ./Qwen3-0.6B qwen3.gguf --type F16
  troika convert model.gguf ./model`,
		Args: wantArgs("a model and where to write it", 2),
		RunE: func(_ *cobra.Command, args []string) error {
			c := bundle.Conversion{}
			if dtype != "" {
				d, err := tensor.ParseDType(strings.ToUpper(dtype))
				if err != nil || d != tensor.F32 && d != tensor.F16 && d != tensor.BF16 {
					return usagef("--type %s: want F32, F16 or BF16; troika quantize makes smaller files", dtype)
				}
				if !isGGUF(args[1]) {
					return usagef("--type is for GGUF files")
				}
				c.DType = bundle.Matrices(d)
			}
			return a.convert(args[0], args[1], c)
		},
	}
	cmd.Flags().StringVar(&dtype, "type", "", "type of matrices: F32, F16 or BF16 (default as they are)")
	return cmd
}

func isGGUF(name string) bool { return strings.EqualFold(filepath.Ext(name), ".gguf") }

// openBase opens a model that is no adapter.
func (a *app) openBase(name string) (*bundle.Bundle, error) {
	ref, err := a.resolveModel(name)
	if err != nil {
		return nil, err
	}
	if ref.Adapter != "" {
		return nil, usagef("%s is an adapter: want its base, %s", name, ref.Base)
	}
	return bundle.Open(ref.Dir, all.Architectures())
}

// convert writes a model and tells what was lost.
func (a *app) convert(from, to string, c bundle.Conversion) error {
	b, err := a.openBase(from)
	if err != nil {
		return err
	}
	return a.writeModel(b, to, c)
}

func (a *app) writeModel(b *bundle.Bundle, to string, c bundle.Conversion) error {
	bar := a.Progress.Bar("write "+filepath.Base(to), 0, term.Bytes)
	defer bar.Abort()
	c.Name, c.Threads = strings.TrimSuffix(filepath.Base(to), filepath.Ext(to)), a.Threads
	var written int64
	c.Progress = func(done, total int64) {
		written = total
		bar.SetTotal(total)
		bar.Set(done)
	}
	losses := []string{}
	if isGGUF(to) {
		lost, err := b.WriteGGUF(to, c)
		if err != nil {
			return err
		}
		losses = append(losses, lost...)
	} else if err := b.WriteDir(to, c); err != nil {
		return err
	}
	bar.Done()
	for _, loss := range losses {
		a.Log.Warn("not in the file for others", "what", loss)
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"path": to, "tensor_bytes": written, "losses": losses})
	}
	_, err := fmt.Fprintf(a.Out, "%s: %.1f MB\n", to, float64(written)/1e6)
	return err
}
