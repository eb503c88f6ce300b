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
	testSource

	metric string
	margin float64
	force  bool
	html   string
}

func (o *gateOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.testSource.flags(f)
	f.StringVar(&o.metric, "metric", string(eval.Accuracy), "what to compare: accuracy or macro_f1")
	f.Float64Var(&o.margin, "margin", 0, "what the candidate must be better by")
	f.BoolVar(&o.force, "force", false, "go on where the gate refuses; the release says so")
	f.StringVar(&o.html, "html", "", "write a report to this file, also where the gate refuses")
}

func newPublishCmd(a *app) *cobra.Command {
	var o gateOptions
	cmd := &cobra.Command{
		Use:   "publish ALIAS MODEL --data TEST",
		Short: "Put a model behind a name, if it is better than the one that is there",
		Long: `Put a model behind a name, if it is better than the one that is there.

Clients ask for ALIAS and keep asking for it. MODEL and the model that answers now (the
first time, MODEL's base) get the same test questions, and MODEL becomes the one that
answers only if it is better on the metric by more than the margin: the lower end of the
95 % interval of the paired difference lies above it. A running server follows within
seconds, and no request is dropped.

TEST is a file of conversations, or a folder or dataset as for troika eval, such as faq or
faq@2, whose test split is taken, or --split. Both models are asked what MODEL was tuned on.

--html FILE writes what was measured as a page, as troika eval does, with the release.

Before that, MODEL must be proved to be served as it was trained: the same template, token
ids and logits. Nothing gets around a proof that fails.`,
		Example: `  troika publish helpdesk tickets-v2 --data test.jsonl
  troika publish helpdesk tickets-v2 --data tickets@2 --margin 0.02
  troika publish helpdesk tickets-v2 --data tickets@2 --html release.html`,
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
	return a.judge(ctx, aliases, alias, model, o, func(r publish.Release) error {
		r, err := aliases.Publish(ctx, r)
		if err != nil {
			return err
		}
		return a.showRelease(&r, "%s answers as %s, release %d\n", r.Model, r.Alias, r.Number)
	})
}

// judge measures a candidate beside the model that answers now, hands it to place where
// it passes, and writes the report.
func (a *app) judge(ctx context.Context, aliases *publish.Aliases, alias, model string, o gateOptions, place func(publish.Release) error) error {
	gate := publish.Gate{Metric: eval.Metric(o.metric), Margin: o.margin}
	if err := gate.Metric.Check(); err != nil {
		return &usageError{err}
	}
	if _, err := a.resolveModel(alias); err == nil {
		return usagef("a model is named %q: choose another alias", alias)
	}
	now, err := aliases.Get(ctx, alias)
	if err != nil && !errors.Is(err, publish.ErrNoAlias) {
		return err
	}
	ref, err := a.resolveModel(model)
	if err != nil {
		return err
	}
	against := ref.Base
	if now.Current != nil {
		against = now.Current.Model
	}
	if against == model && now.Current != nil {
		return fmt.Errorf("%s answers as %s already", model, alias)
	}
	if against == model {
		return usagef("%s is a base, and nothing answers as %s yet that it could be better than", model, alias)
	}
	data, err := a.gateData(ctx, ref, o.testSource)
	if err != nil {
		return err
	}
	candidate, err := a.candidate(ctx, model, data.examples)
	if err != nil {
		return err
	}
	before, err := a.measure(ctx, against, data.examples)
	if err != nil {
		return fmt.Errorf("measure %s, which the candidate is compared with: %w", against, err)
	}
	v, err := gate.Judge(before.result, candidate.result, resampling)
	if err != nil {
		return err
	}
	v.Data, v.Against, v.Proof, v.Forced = data.digest.String(), against, candidate.proof, !v.Passed
	if v.Passed || o.force {
		err = place(publish.Release{Alias: alias, Model: model, Digest: candidate.digest, Verdict: v})
	} else {
		err = fmt.Errorf("%w: %s", publish.ErrRefused, v.Reason())
	}
	if o.html == "" {
		return err
	}
	page, fault := a.gateSheet(ref, before, candidate.scored, data)
	if fault == nil {
		page.against = against
		fault = a.writePage(ctx, o.html, page)
	}
	return errors.Join(err, fault)
}

// gateSheet is what a gate measured, as a page shows it.
func (a *app) gateSheet(ref modelRef, before, after *scored, data *testData) (sheet, error) {
	report := &eval.Report{Dataset: data.digest.String(), Base: before.result, Tuned: after.result}
	var err error
	if report.Gain, err = eval.Compare(eval.Accuracy, before.result, after.result, resampling); err != nil {
		return sheet{}, err
	}
	report.Regressions, err = eval.Regressions(after.gold, before.predicted, after.predicted)
	return sheet{ref: ref, report: report, gold: after.gold, said: [][]string{before.said, after.said}}, err
}

// scored is how a model did on examples.
type scored struct {
	result    *eval.Result
	gold      []eval.Example
	said      []string
	predicted []eval.Prediction // what was said, as it is scored
}

// candidate is a model that was proved to be served as trained, and measured.
type candidate struct {
	*scored
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
	if c.scored, err = a.score(ctx, s, examples); err != nil {
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
func (a *app) measure(ctx context.Context, name string, examples []dataset.Example) (*scored, error) {
	s, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return a.score(ctx, s, examples)
}

func (a *app) score(ctx context.Context, s *session, examples []dataset.Example) (*scored, error) {
	m, err := newMeasurement(a, s, examples, 0)
	if err != nil {
		return nil, err
	}
	r, err := m.run(ctx, s.ref.Name, s.slot())
	if err != nil {
		return nil, err
	}
	return &scored{result: r, gold: m.gold, said: m.said[0], predicted: m.predictions(m.said[0])}, nil
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
