package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/tensor"
)

func newConvertCmd(a *app) *cobra.Command {
	var dtype, base string
	cmd := &cobra.Command{
		Use:   "convert MODEL DESTINATION",
		Short: "Write a model or an adapter as a GGUF file, or as a Hugging Face directory",
		Long: `Write a model or an adapter as a GGUF file, or as a Hugging Face directory.

DESTINATION is a file that ends in .gguf, which llama.cpp and its kin open, or else a
directory. There and back gives the same bytes: what GGUF has no place for is kept in
the file, where others pass over it. What llama.cpp will not find is told.

An adapter becomes a GGUF file that llama.cpp applies to its base (--lora), or from such a
file a directory as PEFT has it; --base names the base of a file that does not.

Quantised tensors become F32 in a directory, with the same values.`,
		Example: `  troika convert starter starter.gguf
  troika convert ./Qwen3-0.6B qwen3.gguf --type F16
  troika convert model.gguf ./model
  troika convert helpdesk helpdesk-lora.gguf
  troika convert foreign-lora.gguf ./adapter --base ./Qwen3-0.6B`,
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
			if adapter.IsGGUF(args[0]) {
				return a.convertFromGGUF(args[0], args[1], base)
			}
			if base != "" {
				return usagef("--base is for adapters in GGUF")
			}
			return a.convert(args[0], args[1], c)
		},
	}
	cmd.Flags().StringVar(&dtype, "type", "", "type of matrices: F32, F16 or BF16 (default as they are)")
	cmd.Flags().StringVar(&base, "base", "", "base of an adapter in GGUF (default as the file says)")
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
	ref, err := a.resolveModel(from)
	if err != nil {
		return err
	}
	if ref.Adapter != "" {
		return a.convertAdapter(ref, to, c)
	}
	b, err := bundle.Open(ref.Dir, all.Architectures())
	if err != nil {
		return err
	}
	return a.writeModel(b, to, c)
}

// ggufBase opens what an adapter's form in GGUF depends on.
func ggufBase(ref modelRef) (adapter.GGUFBase, error) {
	b, err := bundle.Open(ref.Dir, all.Architectures())
	if err != nil {
		return adapter.GGUFBase{}, err
	}
	r, config, err := b.GGUF()
	return adapter.GGUFBase{Recipe: r, Config: config}, err
}

// convertAdapter writes an adapter as a GGUF file.
func (a *app) convertAdapter(ref modelRef, to string, c bundle.Conversion) error {
	switch {
	case !isGGUF(to):
		return usagef("%s is an adapter already as PEFT has it; want a file that ends in .gguf", ref.Name)
	case c.DType != nil:
		return usagef("--type is for models")
	}
	base, err := ggufBase(ref)
	if err != nil {
		return err
	}
	if err := adapter.WriteGGUF(to, ref.Adapter, strings.TrimSuffix(filepath.Base(to), filepath.Ext(to)), base); err != nil {
		return err
	}
	return a.converted(to, ref.Base)
}

// convertFromGGUF writes an adapter in GGUF as a directory.
func (a *app) convertFromGGUF(from, to, base string) error {
	if isGGUF(to) {
		return usagef("%s is an adapter in GGUF already; want a directory to write", from)
	}
	if base == "" {
		var err error
		if base, err = adapter.BaseGGUF(from); err != nil {
			return err
		}
	}
	if base == "" {
		return usagef("%s does not say what its base is: want --base", from)
	}
	ref, err := a.resolveModel(base)
	if err != nil {
		return err
	}
	b, err := ggufBase(ref)
	if err != nil {
		return err
	}
	if err := adapter.FromGGUF(from, to, base, b); err != nil {
		return err
	}
	return a.converted(to, base)
}

func (a *app) converted(to, base string) error {
	if a.JSON {
		return a.WriteJSON(map[string]any{"path": to, "base": base})
	}
	_, err := fmt.Fprintf(a.Out, "%s: adapter of %s\n", to, base)
	return err
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
