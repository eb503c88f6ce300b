package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/model/all"
)

func newTokenizeCmd(a *app) *cobra.Command {
	var name string
	var special bool
	cmd := &cobra.Command{
		Use:   "tokenize --model MODEL",
		Short: "Turn text on standard input into token ids",
		Example: `  echo 'Hello, 世界' | troika tokenize --model starter
  troika tokenize --model hf://Qwen/Qwen3-0.6B --json < page.txt`,
		RunE: func(*cobra.Command, []string) error {
			ref, err := a.resolveModel(name)
			if err != nil {
				return err
			}
			b, err := bundle.Open(ref.Dir, all.Architectures())
			if err != nil {
				return err
			}
			text, err := io.ReadAll(a.In)
			if err != nil {
				return fmt.Errorf("read standard input: %w", err)
			}
			ids := b.Tokenizer.Encode(string(text), special)
			if a.JSON {
				return a.WriteJSON(map[string]any{"ids": nonNil(ids)})
			}
			for _, id := range ids {
				token, _ := b.Tokenizer.Token(id)
				if _, err := fmt.Fprintf(a.Out, "%d\t%q\t%q\n", id, b.Tokenizer.Bytes(id), token); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "model", starterName, "model name or folder")
	cmd.Flags().BoolVar(&special, "special", true, "add the special tokens of the post-processor, such as <s>")
	return cmd
}

// nonNil makes an empty list JSON's [] rather than null.
func nonNil[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}
