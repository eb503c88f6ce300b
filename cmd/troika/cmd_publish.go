package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/model/nn"
	"github.com/troikaml/troika/publish"
	"github.com/troikaml/troika/store/sqlite"
)

// gateOptions are what publish and canary ask a candidate.
type gateOptions struct {
	data, metric string
	margin       float64
	force        bool
}

func (o *gateOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "", "test conversations, JSON lines")
	f.StringVar(&o.metric, "metric", string(eval.Accuracy), "what to compare: accuracy or macro_f1")
	f.Float64Var(&o.margin, "margin", 0, "what the candidate must be better by")
	f.BoolVar(&o.force, "force", false, "go on where the gate refuses; the release says so")
}

func newPublishCmd(a *app) *cobra.Command {
	var o gateOptions
	cmd := &cobra.Command{
		Use:   "publish ALIAS MODEL --data TEST.jsonl",
		Short: "Put a model behind a name, if it is better than the one that is there",
		Long: `Put a model behind a name, if it is better than the one that is there.

Clients ask for ALIAS and keep asking for it. MODEL and the model that answers now (the
first time, MODEL's base) get the same test questions, and MODEL becomes the one that
answers only if it is better on the metric by more than the margin: the lower end of the
95 % interval of the paired difference lies above it. A running server follows within
seconds, and no request is dropped.

Before that, MODEL must be proved to be served as it was trained: the same template, token
ids and logits. Nothing gets around a proof that fails.`,
		Example: `  troika publish helpdesk tickets-v2 --data test.jsonl
  troika publish helpdesk tickets-v2 --data test.jsonl --margin 0.02`,
		Args: wantArgs("an alias and a model", 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.data == "" {
				return usagef("--data is missing: the gate needs test conversations")
			}
			return a.withAliases(cmd.Context(), func(ctx context.Context, aliases *publish.Aliases) error {
				return a.publish(ctx, aliases, args[0], args[1], o)
			})
		},
	}
	o.flags(cmd)
	return cmd
}

func wantArgs(what string, n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("want %s, got %d arguments", what, len(args))
		}
		return nil
	}
}

// withAliases opens the record of --home.
func (a *app) withAliases(ctx context.Context, do func(context.Context, *publish.Aliases) error) error {
	home, err := a.Home()
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, filepath.Join(home, databaseFile))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // every change was committed
	aliases, err := publish.Open(ctx, db)
	if err != nil {
		return err
	}
	return do(ctx, aliases)
}

func (a *app) publish(ctx context.Context, aliases *publish.Aliases, alias, model string, o gateOptions) error {
	r, err := a.judge(ctx, aliases, alias, model, o)
	if err != nil {
		return err
	}
	if r, err = aliases.Publish(ctx, r); err != nil {
		return err
	}
	return a.showRelease(&r, "%s answers as %s, release %d\n", r.Model, r.Alias, r.Number)
}

// judge measures a candidate beside the model that answers now.
func (a *app) judge(ctx context.Context, aliases *publish.Aliases, alias, model string, o gateOptions) (publish.Release, error) {
	gate := publish.Gate{Metric: eval.Metric(o.metric), Margin: o.margin}
	if err := gate.Metric.Check(); err != nil {
		return publish.Release{}, &usageError{err}
	}
	if _, err := a.resolveModel(alias); err == nil {
		return publish.Release{}, usagef("a model is named %q: choose another alias", alias)
	}
	now, err := aliases.Get(ctx, alias)
	if err != nil && !errors.Is(err, publish.ErrNoAlias) {
		return publish.Release{}, err
	}
	ref, err := a.resolveModel(model)
	if err != nil {
		return publish.Release{}, err
	}
	against := ref.Base
	if now.Current != nil {
		against = now.Current.Model
	}
	if against == model && now.Current != nil {
		return publish.Release{}, fmt.Errorf("%s answers as %s already", model, alias)
	}
	if against == model {
		return publish.Release{}, usagef("%s is a base, and nothing answers as %s yet that it could be better than", model, alias)
	}
	examples, data, err := readChat(o.data)
	if err != nil {
		return publish.Release{}, err
	}
	candidate, err := a.candidate(ctx, model, examples)
	if err != nil {
		return publish.Release{}, err
	}
	before, err := a.measure(ctx, against, examples)
	if err != nil {
		return publish.Release{}, fmt.Errorf("measure %s, which the candidate is compared with: %w", against, err)
	}
	v, err := gate.Judge(before, candidate.result, resampling)
	if err != nil {
		return publish.Release{}, err
	}
	v.Data, v.Against, v.Proof = data.String(), against, candidate.proof
	if !v.Passed && !o.force {
		return publish.Release{}, fmt.Errorf("%w: %s", publish.ErrRefused, v.Reason())
	}
	v.Forced = !v.Passed
	return publish.Release{Alias: alias, Model: model, Digest: candidate.digest, Verdict: v}, nil
}

// candidate is a model that was proved to be served as trained, and measured.
type candidate struct {
	result *eval.Result
	digest troika.Digest
	proof  *publish.Proof
}

func (a *app) candidate(ctx context.Context, name string, examples []dataset.Example) (*candidate, error) {
	s, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	c := &candidate{}
	if c.proof, err = s.prove(ctx); err != nil {
		return nil, err
	}
	if c.result, err = a.score(ctx, s, examples); err != nil {
		return nil, err
	}
	c.digest, err = s.ref.digest()
	return c, err
}

// prove compares what serving computes with what training did.
func (s *session) prove(ctx context.Context) (*publish.Proof, error) {
	subject := publish.Subject{
		Device: s.dev, Bundle: s.bundle, Model: s.model, Set: s.set, Slot: s.slot(), Adapter: s.ref.Adapter,
	}
	if s.ref.Adapter != "" {
		var err error
		if subject.Base, err = tunedOn(s.ref); err != nil {
			return nil, err
		}
	}
	return publish.Prove(ctx, subject)
}

// measure puts examples to a model.
func (a *app) measure(ctx context.Context, name string, examples []dataset.Example) (*eval.Result, error) {
	s, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return a.score(ctx, s, examples)
}

func (a *app) score(ctx context.Context, s *session, examples []dataset.Example) (*eval.Result, error) {
	m, err := newMeasurement(a, s, examples, 0)
	if err != nil {
		return nil, err
	}
	return m.run(ctx, s.ref.Name, s.slot())
}

// slot is what a session's model answers in.
func (s *session) slot() int32 {
	if s.lora == nil {
		return nn.NoAdapter
	}
	return 0
}

// digest identifies what a model answers with: an adapter's values, or a base.
func (r modelRef) digest() (troika.Digest, error) {
	if r.Adapter != "" {
		return adapter.Digest(r.Adapter)
	}
	b, err := bundle.Open(r.Dir, all.Architectures())
	if err != nil {
		return troika.Digest{}, err
	}
	return b.Digest()
}

func (a *app) showRelease(r *publish.Release, format string, args ...any) error {
	if a.JSON {
		return a.WriteJSON(r)
	}
	_, err := fmt.Fprintf(a.Out, format+"%s\n%s\n", append(args, r.Verdict.Reason(), r.Verdict.Proof)...)
	return err
}
