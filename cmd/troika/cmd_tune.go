package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/train"
)

type tuneOptions struct {
	model, data, valid, name, out, run, method, instruction string

	labels  []string
	resume  bool
	beta    float64
	adapter adapter.Config
	train   train.Config
}

func newTuneCmd(a *app) *cobra.Command {
	var o tuneOptions
	cmd := &cobra.Command{
		Use:   "tune --model BASE --data DATA --name NAME",
		Short: "Tune a model on examples with LoRA",
		Long: `Tune a model on examples with LoRA.

DATA is a file, a folder or a dataset of troika data list, such as faq or faq@2; of the
latter two the train split is learned and the validation split measured.

A file has one conversation a line in OpenAI's fine-tuning format:
{"messages":[{"role":"user","content":"..."},{"role":"assistant","content":"..."}]}.
The loss is taken on assistant messages; "weight":0 on one leaves it out.

Texts with labels become questions for their label, with --instruction before the text.
With --labels, no other label or answer may be in the data: what is, is listed by file and
line, and nothing is learned.
Texts without labels, in a folder or a dataset, are learned as they are, to go on with.

With --method dpo it has preferences in OpenAI's format, "input", "preferred_output" and
"non_preferred_output", and the model learns to prefer the one answer to the other.

Files and folders become a dataset version of --home under NAME, kept as a whole; its
digest stands in the adapter's troika.json. The adapter is written in PEFT's format to --home
under NAME, and can be served by that name. Ctrl-C saves and stops; --resume goes on,
after a kill too, and ends with the same bits as a run that was never stopped.`,
		Example: `  troika tune --data train.jsonl --valid valid.jsonl --name helpdesk
  troika tune --data train.jsonl --name helpdesk --resume
  troika tune --data tickets@2 --name tickets
  troika tune --data songs@1 --name songs
  troika tune --model ./Qwen3-0.6B --data train.jsonl --name faq \
    --rank 8 --targets q_proj,v_proj
  troika tune --data preferences.jsonl --name polite --method dpo`,
		RunE: func(cmd *cobra.Command, _ []string) error { return tune(cmd.Context(), a, &o) },
	}
	f := cmd.Flags()
	o.recipeFlags(f)
	f.StringVar(&o.name, "name", "", "name of the tuned model")
	f.StringVar(&o.out, "out", "", "folder of the adapter (default adapters/NAME of --home)")
	f.StringVar(&o.run, "run", "", "folder of the run's state and metrics (default runs/NAME of --home)")
	f.BoolVar(&o.resume, "resume", false, "go on from the run's last saved state")
	_ = cmd.MarkFlagRequired("data") // the flags above exist
	_ = cmd.MarkFlagRequired("name")
	return cmd
}

// recipeFlags are the flags that say what is learned, and how.
func (o *tuneOptions) recipeFlags(f *pflag.FlagSet) {
	o.adapter, o.train = adapter.Config{Rank: 16, Alpha: 32}, train.DefaultConfig()
	f.StringVar(&o.model, "model", starterName, "base model, name or folder")
	f.StringVar(&o.data, "data", "", "training examples: JSON lines, a folder, or a dataset")
	f.StringVar(&o.valid, "valid", "", "validation examples, JSON lines, where the data is a file")
	f.StringVar(&o.instruction, "instruction", "", "question put before labelled texts")
	f.StringSliceVar(&o.labels, "labels", nil, "all answers that the data may have, such as billing,delivery (default any)")
	f.StringVar(&o.method, "method", methodSupervised, "supervised, or dpo for preferences")
	f.Float64Var(&o.beta, "beta", 0.1, "how closely dpo keeps to the base, which a small beta leaves behind")
	adapterFlags(f, &o.adapter)
	f.StringSliceVar(&o.adapter.Targets, "targets", nil, "layers to adapt, such as q_proj,v_proj (default all linear layers)")
	trainFlags(f, &o.train)
}

// rendering checks the method and returns how it sees examples.
func (o *tuneOptions) rendering() (rendering, error) {
	switch o.method {
	case methodSupervised:
		o.beta = 0
		return train.FromChat, nil
	case methodDPO:
		if !(o.beta > 0) {
			return nil, usagef("--beta %g: want a positive number", o.beta)
		}
		return train.FromPreference, nil
	default:
		return nil, usagef("--method %q: want %s or %s", o.method, methodSupervised, methodDPO)
	}
}

// The methods, as OpenAI names them.
const (
	methodSupervised = "supervised"
	methodDPO        = "dpo"
)

// plainName is what a tuned model may be called: a file name on every system and, in
// lower case, the name of a dataset.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func tune(ctx context.Context, a *app, o *tuneOptions) error {
	if !plainName.MatchString(o.name) {
		return usagef("--name %q: want letters, digits, dots, dashes and underscores", o.name)
	}
	render, err := o.rendering()
	if err != nil {
		return err
	}
	home, err := a.Home()
	if err != nil {
		return err
	}
	t := tuning{
		adapter: o.adapter, train: o.train, run: o.run, out: o.out, resume: o.resume, beta: o.beta,
		onPair: a.pairProgress(), onStep: a.trainingProgress("tune " + o.name),
	}
	if t.out == "" {
		t.out = filepath.Join(home, adaptersFolder, o.name)
	}
	if t.run == "" {
		t.run = filepath.Join(home, runsFolder, o.name)
	}
	data, err := a.tuneData(ctx, o)
	if err != nil {
		return err
	}
	prompt := asked(data.version, o.instruction)
	t.dataset, t.instruction = data.version.Digest(), prompt.Instruction
	s, err := a.open(o.model)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.ref.Adapter != "" {
		return usagef("--model %s is an adapter; tune its base %s", o.model, s.ref.Base)
	}
	trainSet, err := s.encode(data.version, dataset.Train, prompt, data.names[dataset.Train], render)
	if err != nil {
		return err
	}
	validSet, err := s.encode(data.version, dataset.Validation, prompt, data.names[dataset.Validation], render)
	if err != nil {
		return err
	}
	if !data.kept {
		if err := addVersion(ctx, home, strings.ToLower(o.name), data.version); err != nil {
			return err
		}
	}
	res, err := s.tune(ctx, t, trainSet, validSet)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"name": o.name, "dataset": t.dataset, "adapter": t.out, "result": res})
	}
	_, err = fmt.Fprintf(a.Out, "dataset %s\n%d steps in %.0f s: loss %.4f\nadapter in %s\n", t.dataset, res.Steps, res.Seconds, res.Loss, t.out)
	return err
}

// tuneData returns what to learn, held to the labels that were declared.
func (a *app) tuneData(ctx context.Context, o *tuneOptions) (*chats, error) {
	c, err := a.tuneSplits(ctx, o)
	if err != nil || len(o.labels) == 0 {
		return c, err
	}
	return c, c.heldTo(o.labels)
}

// tuneSplits returns what to learn.
func (a *app) tuneSplits(ctx context.Context, o *tuneOptions) (*chats, error) {
	if isFile(o.data) {
		if o.instruction != "" {
			return nil, usagef("--instruction is for labelled texts, and a file has conversations: see troika data add")
		}
		return readChats(map[string]string{dataset.Train: o.data, dataset.Validation: o.valid})
	}
	if o.valid != "" {
		return nil, usagef("--valid: %s has a validation split of its own", o.data)
	}
	var c chats
	var err error
	if c.version, c.kept, err = a.givenVersion(ctx, o.data); err != nil {
		return nil, err
	}
	for _, split := range []string{dataset.Train, dataset.Validation} {
		if plain(c.version) {
			break
		}
		if err := answered(c.version, split); err != nil {
			return nil, fmt.Errorf("%s: %w", o.data, err)
		}
	}
	if plain(c.version) && (o.method == methodDPO || o.instruction != "" || len(o.labels) > 0) {
		return nil, usagef("%s has texts alone, which ask nothing: --method dpo, --instruction and --labels are not for them", o.data)
	}
	if len(c.version.Split(dataset.Train)) == 0 {
		return nil, fmt.Errorf("%s: its train split is empty", o.data)
	}
	return &c, nil
}
