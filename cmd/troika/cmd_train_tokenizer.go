package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/tokenizer"
	"github.com/troikaml/troika/train"
)

// chatTokens are the special tokens of a new tokenizer: the end of a document, and
// the borders of ChatML turns.
var chatTokens = []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}

func newTrainTokenizerCmd(a *app) *cobra.Command {
	var text, out string
	c := tokenizer.TrainConfig{SpecialTokens: chatTokens}
	cmd := &cobra.Command{
		Use:     "train-tokenizer --text CORPUS.jsonl --out tokenizer.json",
		Short:   "Train a byte-level BPE tokenizer on text",
		Example: `  troika train-tokenizer --text corpus.jsonl --out tokenizer.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return trainTokenizer(cmd.Context(), a, c, text, out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&text, "text", "", "corpus, JSON lines with a text field")
	f.StringVar(&out, "out", "", "file to write")
	f.IntVar(&c.VocabSize, "vocab-size", 8192, "tokens in all, special ones included")
	_ = cmd.MarkFlagRequired("text")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func trainTokenizer(ctx context.Context, a *app, c tokenizer.TrainConfig, text, out string) error {
	f, err := os.Open(text)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	bar := a.Progress.Bar("read", info.Size(), term.Bytes)
	defer bar.Abort()
	docs, err := train.ReadText(f, text, bar.Set)
	if err != nil {
		return err
	}
	bar.Done()
	c.Threads = a.Threads
	data, err := tokenizer.Train(ctx, func(yield func(string) bool) {
		for _, d := range docs {
			if !yield(d.Text) {
				return
			}
		}
	}, c)
	if err != nil {
		return err
	}
	if err := fsx.WriteFile(out, data, 0o644); err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"file": out, "vocab_size": c.VocabSize, "documents": len(docs)})
	}
	_, err = fmt.Fprintf(a.Out, "%d tokens from %d documents in %s\n", c.VocabSize, len(docs), out)
	return err
}
