package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/checkpoint"
	"github.com/troikaml/troika/checkpoint/safetensors"
	"github.com/troikaml/troika/compute"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/model"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/tensor"
	"github.com/troikaml/troika/tokenizer"
	"github.com/troikaml/troika/tokenizer/chat"
	"github.com/troikaml/troika/train"
)

type pretrainOptions struct {
	text, config, tokenizer, template string
	model                             string
	out, run                          string
	sequence                          int
	valid, answerWeight               float64
	resume                            bool
	train                             train.Config
}

func newPretrainCmd(a *app) *cobra.Command {
	o := pretrainOptions{train: train.DefaultConfig()}
	o.train.LR, o.train.MinLR, o.train.Warmup, o.train.WeightDecay = 1e-3, 1e-4, 100, 0.1
	o.train.Beta2, o.train.Accumulate, o.train.MicroTokens, o.train.Epochs = 0.95, 2, 4096, 1
	cmd := &cobra.Command{
		Use:   "pretrain --text CORPUS.jsonl (--config CONFIG.json --tokenizer TOKENIZER.json | --model BASE) --out DIR",
		Short: "Train every parameter of a model on text",
		Long: `Train every parameter of a model on text.

CORPUS.jsonl has one {"text": ...} a line, or a conversation {"messages": [...]}
that the chat template renders. A new model starts from random weights: CONFIG.json
is a config.json of a known architecture. With --model, training goes on from the
weights of BASE, with its tokenizer and its chat template.

The result is a Hugging Face directory in BF16, which every other verb and the
transformers library open. A run that was stopped or killed goes on with --resume
and ends with the same bits.`,
		Example: `  troika pretrain --text corpus.jsonl --config config.json \
    --tokenizer tokenizer.json --out my-model
  troika pretrain --text corpus.jsonl --config config.json \
    --tokenizer tokenizer.json --out my-model --resume
  troika pretrain --text manuals.jsonl --model hf://Qwen/Qwen3-0.6B \
    --out qwen-manuals --lr 2e-5 --min-lr 2e-6`,
		RunE: func(cmd *cobra.Command, _ []string) error { return pretrain(cmd.Context(), a, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.text, "text", "", "corpus, JSON lines with a text field")
	f.StringVar(&o.model, "model", "", "model to go on from, name or folder (default a new one)")
	f.StringVar(&o.config, "config", "", "config.json of the new model")
	f.StringVar(&o.tokenizer, "tokenizer", "", "tokenizer.json of the new model")
	f.StringVar(&o.template, "chat-template", "", "chat template of the new model, a .jinja file")
	f.StringVar(&o.out, "out", "", "folder to write the model to")
	f.StringVar(&o.run, "run", "", "folder of the run's state (default OUT.run)")
	f.IntVar(&o.sequence, "sequence", 512, "longest sequence, in tokens; longer documents are split")
	f.Float64Var(&o.valid, "validation", 0.005, "share of documents kept for the validation loss")
	f.Float64Var(&o.answerWeight, "answer-weight", 1, "weight of a conversation's last answer in the loss; other text has 1")
	f.BoolVar(&o.resume, "resume", false, "go on from the run's last saved state")
	trainFlags(f, &o.train)
	for _, name := range []string{"text", "out"} {
		_ = cmd.MarkFlagRequired(name) // the flags above exist
	}
	cmd.MarkFlagsOneRequired("model", "config")
	cmd.MarkFlagsMutuallyExclusive("model", "config")
	cmd.MarkFlagsMutuallyExclusive("model", "tokenizer")
	cmd.MarkFlagsMutuallyExclusive("model", "chat-template")
	return cmd
}

func pretrain(ctx context.Context, a *app, o *pretrainOptions) error {
	if o.run == "" {
		o.run = o.out + ".run"
	}
	start := a.newModel
	if o.model != "" {
		start = a.modelToGoOnFrom
	}
	from, err := start(o)
	if err != nil {
		return err
	}
	eos, err := endOfText(from.config, from.tok)
	if err != nil {
		return err
	}
	trainSet, validSet, err := a.corpus(o, from, eos)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.run, 0o755); err != nil {
		return err
	}
	fsx.Sweep(o.run)
	dev := a.device()
	defer dev.Close()
	m, err := from.load(dev)
	if err != nil {
		return err
	}
	defer m.Free()
	res, err := train.Run(ctx, train.Job{
		Device: dev, Model: m, Params: m.Params(), Train: trainSet, Valid: validSet,
		Context: from.facts.MaxPositions, Vocab: from.facts.VocabSize, Config: o.train, Dir: o.run, Resume: o.resume,
		Identity: from.identity, OnStep: a.trainingProgress("pretrain"),
	})
	if err != nil {
		return err
	}
	if err := from.write(dev, m, o.out); err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(res)
	}
	_, err = fmt.Fprintf(a.Out, "trained %d steps, %d tokens in %.0f s: loss %.4f, validation %.4f\nmodel in %s\n",
		res.Steps, res.Tokens, res.Seconds, res.Loss, res.ValidLoss, o.out)
	return err
}

// origin is what pretraining starts from.
type origin struct {
	facts    model.Facts
	config   []byte
	tok      *tokenizer.Tokenizer
	files    map[string][]byte // of the new directory, but for the weights
	render   renderFunc
	load     func(compute.Device) (model.Model, error)
	identity string
}

// newModel starts from random weights.
func (a *app) newModel(o *pretrainOptions) (*origin, error) {
	if o.tokenizer == "" {
		return nil, usagef("a new model needs --tokenizer")
	}
	config, err := os.ReadFile(o.config)
	if err != nil {
		return nil, err
	}
	cfg, err := model.Parse(all.Architectures(), config)
	if err != nil {
		return nil, err
	}
	facts := cfg.Facts()
	tok, tokenizerJSON, err := readTokenizer(o.tokenizer)
	if err != nil {
		return nil, err
	}
	if tok.VocabSize() > facts.VocabSize {
		return nil, fmt.Errorf("%s has %d tokens, %s a vocab_size of %d", o.tokenizer, tok.VocabSize(), o.config, facts.VocabSize)
	}
	render, err := o.renderer()
	if err != nil {
		return nil, err
	}
	return &origin{
		facts: facts, config: config, tok: tok, render: render,
		files: map[string][]byte{"config.json": config, "tokenizer.json": tokenizerJSON},
		load: func(dev compute.Device) (model.Model, error) {
			return cfg.New(nn.NewLoader(dev, train.Init{Seed: o.train.Seed, Std: 0.02, Layers: facts.Layers, NormOffset: facts.NormOffset}, true))
		},
		identity: troika.Sum(append(config, tokenizerJSON...)).String(),
	}, nil
}

// modelToGoOnFrom starts from a model's weights.
func (a *app) modelToGoOnFrom(o *pretrainOptions) (*origin, error) {
	ref, err := a.resolveModel(o.model)
	if err != nil {
		return nil, err
	}
	if ref.Adapter != "" {
		return nil, usagef("--model %s is an adapter; give its base %s", o.model, ref.Base)
	}
	b, err := bundle.Open(ref.Dir, all.Architectures())
	if err != nil {
		return nil, err
	}
	digest, err := b.Digest()
	if err != nil {
		return nil, err
	}
	from := &origin{
		facts: b.Facts, tok: b.Tokenizer, files: map[string][]byte{}, identity: digest.String(), render: noTemplate,
		load: func(dev compute.Device) (model.Model, error) { return b.Load(dev, true) },
	}
	if b.HasTemplate() {
		if from.render, err = o.renderAs(os.DirFS(ref.Dir)); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{
		"config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
		"generation_config.json", "chat_template.jinja", "chat_template.json",
	} {
		data, err := os.ReadFile(filepath.Join(ref.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		from.files[name] = data
	}
	from.config = from.files["config.json"]
	return from, nil
}

// renderFunc turns a conversation into text and says where its last answer begins.
type renderFunc func([]json.RawMessage) (text string, answer int, err error)

func noTemplate([]json.RawMessage) (text string, answer int, err error) {
	return "", 0, errors.New("a conversation needs a chat template: see --chat-template")
}

// renderer renders by the template of --chat-template.
func (o *pretrainOptions) renderer() (renderFunc, error) {
	if o.template == "" {
		return noTemplate, nil
	}
	source, err := os.ReadFile(o.template)
	if err != nil {
		return nil, err
	}
	t, err := chat.Parse(o.template, string(source))
	if err != nil {
		return nil, err
	}
	return o.renderBy(t, nil), nil
}

// renderAs renders by the template in a model's directory.
func (o *pretrainOptions) renderAs(dir fs.FS) (renderFunc, error) {
	sources, err := chat.Resolve(dir)
	if err != nil {
		return nil, err
	}
	name, err := chat.Select(sources, false)
	if err != nil {
		return nil, err
	}
	t, err := chat.Parse("chat_template "+name, sources[name])
	if err != nil {
		return nil, err
	}
	vars, err := chat.SpecialTokens(dir)
	if err != nil {
		return nil, err
	}
	return o.renderBy(t, vars), nil
}

func (o *pretrainOptions) renderBy(t *chat.Template, vars map[string]chat.Value) renderFunc {
	return func(raw []json.RawMessage) (string, int, error) {
		in := chat.Input{Vars: vars}
		for _, r := range raw {
			m, err := chat.MessageFromJSON(r)
			if err != nil {
				return "", 0, err
			}
			in.Messages = append(in.Messages, m)
		}
		text, err := t.Render(in)
		if err != nil || o.answerWeight == 1 {
			return text, len(text), err
		}
		turns, err := t.Turns(in)
		if err != nil || len(turns) == 0 {
			return text, len(text), err
		}
		// A template may end a conversation otherwise than a question: then no token
		// is known to be the answer's.
		prompt := turns[len(turns)-1].Prompt
		if !strings.HasPrefix(text, prompt) {
			return text, len(text), nil
		}
		return text, len(prompt), nil
	}
}

func readTokenizer(name string) (*tokenizer.Tokenizer, []byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	tok, err := tokenizer.Load(bytes.NewReader(data))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return tok, data, nil
}

// endOfText returns the token that separates documents: the first of config.json's
// eos_token_id, or <|endoftext|>.
func endOfText(config []byte, tok *tokenizer.Tokenizer) (int32, error) {
	if id, ok := tok.ID("<|endoftext|>"); ok {
		return id, nil
	}
	var c struct {
		EOS *int32 `json:"eos_token_id"`
	}
	if err := json.Unmarshal(config, &c); err != nil || c.EOS == nil {
		return 0, errors.New("the tokenizer has no <|endoftext|> and config.json no eos_token_id to end documents with")
	}
	return *c.EOS, nil
}

// write writes a Hugging Face directory, the weights in BF16.
func (from *origin) write(dev compute.Device, m model.Model, dir string) error {
	tensors := map[string]tensor.Tensor{}
	for _, p := range m.Params() {
		t, err := tensor.FromFloat32s(compute.Floats(dev, p.Tensor), p.Tensor.Shape...).Encode(tensor.BF16)
		if err != nil {
			return err
		}
		tensors[p.Name] = t
	}
	mem, err := checkpoint.NewMemory(tensors, map[string]string{"format": "pt"})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, data := range from.files {
		if err := fsx.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return safetensors.Save(filepath.Join(dir, "model.safetensors"), mem)
}

// corpus reads and tokenizes the documents, and keeps some for validation.
func (a *app) corpus(o *pretrainOptions, from *origin, eos int32) (trainSet, validSet []train.Sequence, err error) {
	f, err := os.Open(o.text)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	bar := a.Progress.Bar("tokenize", info.Size(), term.Bytes)
	defer bar.Abort()
	docs, err := train.ReadText(f, o.text, func(bytes int64) { bar.Set(bytes) })
	if err != nil {
		return nil, nil, err
	}
	tok, longest := from.tok, min(o.sequence, from.facts.MaxPositions)
	for i, d := range docs {
		set := &trainSet
		// Every n-th document, so that each part of the corpus has its share.
		if o.valid > 0 && i%max(1, int(1/o.valid)) == 0 {
			set = &validSet
		}
		if d.Messages == nil {
			*set = append(*set, train.Labelled(append(tok.EncodeOrdinary(d.Text), eos), d.Name).Pieces(longest)...)
			continue
		}
		text, answer, err := from.render(d.Messages)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		s := train.Labelled(append(tok.Encode(text, false), eos), d.Name)
		for i := len(tok.Encode(text[:answer], false)); i < len(s.Weights)-1; i++ {
			s.Weights[i] = float32(o.answerWeight)
		}
		*set = append(*set, s.Pieces(longest)...)
	}
	bar.Done()
	return trainSet, validSet, nil
}
