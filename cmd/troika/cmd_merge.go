package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/checkpoint/gguf"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/internal/fsx"
)

func newMergeCmd(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "merge ADAPTER --out DIR",
		Short: "Write an adapter and its base as one model",
		Long: `Write an adapter and its base as one model: a Hugging Face directory with safetensors,
for programs that take no adapters.

The matrices that the adapter changes are written in F32 whatever the base has, so that
the merged model answers as base and adapter do; all others stay as they are. Tokenizer,
templates and configuration are the base's.`,
		Example: `  troika merge helpdesk --out ./helpdesk-merged
  troika eval --model ./helpdesk-merged --data test.jsonl`,
		Args: wantArgs("an adapter", 1),
		RunE: func(_ *cobra.Command, args []string) error { return a.merge(args[0], out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "folder to write, which must not exist")
	_ = cmd.MarkFlagRequired("out") // the flag above exists
	return cmd
}

// mergedFrom is the content of troika.json beside a merged model.
type mergedFrom struct {
	Base    string        `json:"base"`
	BaseSHA troika.Digest `json:"base_digest"`
	Adapter troika.Digest `json:"merged_adapter"`
	Version string        `json:"troika_version"`
}

func (a *app) merge(name, out string) (err error) {
	ref, err := a.resolveModel(name)
	if err != nil {
		return err
	}
	switch {
	case ref.Adapter == "":
		return usagef("%s is a base: there is nothing to merge", name)
	case gguf.Is(ref.Dir):
		return usagef("the base %s is a GGUF file; merge on the model in Hugging Face's format", ref.Base)
	case exists(out):
		return usagef("--out %s: it exists", out)
	}
	from := mergedFrom{Base: ref.Base, Version: buildVersion()}
	if from.Adapter, err = adapter.Digest(ref.Adapter); err != nil {
		return err
	}
	if from.BaseSHA, err = (modelRef{Dir: ref.Dir}).digest(); err != nil {
		return err
	}
	want, err := tunedOn(ref)
	if err != nil {
		return err
	}
	if want != from.BaseSHA {
		return fmt.Errorf("%s was trained on the base %s, and %s is %s", name, want, ref.Base, from.BaseSHA)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	// The folder appears under its name when it is whole.
	part, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }()
	matrices, err := writeMerged(ref, part, from)
	if err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(part, 0o755), os.Rename(part, out)); err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"out": out, "matrices": matrices, "base_digest": from.BaseSHA, "adapter": from.Adapter})
	}
	_, err = fmt.Fprintf(a.Out, "%d matrices of %s changed by %s\nmodel in %s\n", matrices, ref.Base, name, out)
	return err
}

// writeMerged writes the model to dir and returns how many matrices are not the base's.
func writeMerged(ref modelRef, dir string, from mergedFrom) (int, error) {
	base, err := safetensors.Open(ref.Dir)
	if err != nil {
		return 0, err
	}
	defer base.Close() //nolint:errcheck // only read
	m, err := adapter.Merge(base, ref.Adapter)
	if err != nil {
		return 0, err
	}
	defer m.Close() //nolint:errcheck // only read
	if err := safetensors.SaveDir(dir, m, 0); err != nil {
		return 0, err
	}
	text, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return 0, err
	}
	if err := fsx.WriteFile(filepath.Join(dir, provenanceFile), append(text, '\n'), 0o644); err != nil {
		return 0, err
	}
	return m.Layers(), copyBeside(ref.Dir, dir)
}

// besideWeights are the files of a model directory that are not weights: configuration,
// tokenizer, templates, and the terms it comes under.
var besideWeights = []string{
	"config.json", "generation_config.json", "tokenizer*.json", "special_tokens_map.json", "added_tokens.json",
	"vocab.json", "vocab.txt", "merges.txt", "*.model", "*.jinja", "chat_template.json", "additional_chat_templates/*.jinja",
	"LICENSE*", "NOTICE*",
}

func copyBeside(from, to string) error {
	files := os.DirFS(from)
	for _, pattern := range besideWeights {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := copyFile(files, name, filepath.Join(to, filepath.FromSlash(name))); err != nil {
				return fmt.Errorf("copy %s: %w", path.Join(from, name), err)
			}
		}
	}
	return nil
}

func copyFile(files fs.FS, name, to string) error {
	in, err := files.Open(name)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return fsx.Write(to, 0o644, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}
