package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/publish"
)

type rebaseOptions struct {
	gateOptions

	base, name string
	publish    bool
}

func newRebaseCmd(a *app) *cobra.Command {
	var o rebaseOptions
	cmd := &cobra.Command{
		Use:   "rebase ALIAS --base NEW --data TEST",
		Short: "Retrain what answers under a name on a new base, and compare",
		Long: `Retrain what answers under a name on a new base, and compare.

Every adapter of ALIAS, the one that answers and the one on trial, is trained again on NEW
from what its troika.json names: the recipe, the dataset version and the seed. Old and
new answer the same test questions, and the difference is tested on them (paired
bootstrap). TEST is a file, a folder or a dataset, as for troika publish. Nothing is
switched: the commands that would do so are printed, in their order, or carried out with
--publish, through the gate as troika publish and troika canary do.

While a model is on trial, nothing is switched before both have been trained again. If the
gate refuses the new model, the old one answers and its trial goes on. Once the new one
answers, the trial ends, as with every publish, and its new model goes on trial with
the same share, if it passes the gate beside the new one that answers; if not, no model is
on trial, and the error says so.

Ctrl-C saves and stops; the same command goes on.`,
		Example: `  troika rebase helpdesk --base ./Qwen3-0.6B --data test.jsonl
  troika rebase helpdesk --base ./Qwen3-0.6B --data tickets@2 --publish`,
		Args: wantArgs("an alias", 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.data == "" {
				return usagef("--data is missing: old and new are compared on test conversations")
			}
			if o.html != "" && !o.publish {
				return usagef("--html goes with --publish: the report is of the switch; troika eval --html is of a model")
			}
			return a.withAliases(cmd.Context(), func(ctx context.Context, aliases *publish.Aliases) error {
				return a.rebase(ctx, aliases, args[0], o)
			})
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.base, "base", "", "new base, name or folder")
	f.StringVar(&o.name, "name", "", "name of the new adapter, where there is one (default OLD-on-BASE)")
	f.BoolVar(&o.publish, "publish", false, "switch the alias to the new adapter, if it passes the gate")
	_ = cmd.MarkFlagRequired("base") // the flag above exists
	return cmd
}

// rebased is an adapter that was trained again on another base.
type rebased struct {
	Role    string          `json:"role"` // answers or on trial
	Old     string          `json:"old"`
	OldBase string          `json:"old_base"`
	New     string          `json:"new"`
	NewBase string          `json:"new_base"`
	Digest  troika.Digest   `json:"adapter"`
	Steps   int             `json:"steps"`
	Verdict publish.Verdict `json:"verdict"` // of new against old
	Propose string          `json:"propose"` // the command that switches
}

func (a *app) rebase(ctx context.Context, aliases *publish.Aliases, alias string, o rebaseOptions) error {
	metric := eval.Metric(o.metric)
	if err := metric.Check(); err != nil {
		return &usageError{err}
	}
	now, err := aliases.Get(ctx, alias)
	if err != nil {
		return err
	}
	old := releasesOf(&now)
	if o.name != "" && len(old) > 1 {
		return usagef("--name: %s has %d adapters, which need a name each", alias, len(old))
	}
	if o.name != "" && !plainName.MatchString(o.name) {
		return usagef("--name %q: want letters, digits, dots, dashes and underscores", o.name)
	}
	refs, data := make([]modelRef, len(old)), make([]*testData, len(old))
	for i, r := range old { // before what takes hours
		if refs[i], err = a.resolveRelease(r); err != nil {
			return err
		}
		if data[i], err = a.gateData(ctx, refs[i], o.testSource); err != nil {
			return err
		}
	}
	var trained []*rebased
	for i, r := range old {
		one, err := a.rebaseOne(ctx, r, o)
		if err != nil {
			return fmt.Errorf("rebase %s: %w", r.Model, err)
		}
		if one.Verdict, err = a.compareModels(ctx, refs[i], one.New, data[i], publish.Gate{Metric: metric, Margin: o.margin}); err != nil {
			return err
		}
		one.Propose = proposal("publish "+alias+" "+one.New, o)
		if r == now.Canary {
			one.Role = onTrial
			one.Propose = proposal(fmt.Sprintf("canary %s %s --share %.6g%%", alias, one.New, 100*now.Share), o)
		}
		if err := a.showRebased(one); err != nil {
			return err
		}
		trained = append(trained, one)
	}
	if !o.publish {
		return nil
	}
	return a.switchTo(ctx, aliases, &now, trained, o)
}

// onTrial is the role of a canary.
const onTrial = "on trial"

// switchTo puts adapters in the places of those that they were trained again from.
func (a *app) switchTo(ctx context.Context, aliases *publish.Aliases, was *publish.Alias, trained []*rebased, o rebaseOptions) error {
	for _, one := range trained {
		if one.Role != onTrial {
			if err := a.publish(ctx, aliases, was.Name, one.New, o.gateOptions); err != nil {
				return err
			}
			continue
		}
		gate := o.gateOptions
		if len(trained) > 1 {
			gate.html = "" // the report is of what answers
		}
		if err := a.try(ctx, aliases, was.Name, one.New, gate, was.Share); err != nil {
			if was.Current == nil {
				return err
			}
			return fmt.Errorf("the trial of %s ended when another model began to answer as %s, and its new model did not take its place: %w", one.Old, was.Name, err)
		}
	}
	return nil
}

// releasesOf returns what stands behind an alias, each model once.
func releasesOf(a *publish.Alias) []*publish.Release {
	var all []*publish.Release
	if a.Current != nil {
		all = append(all, a.Current)
	}
	if a.Canary != nil && (a.Current == nil || a.Canary.Model != a.Current.Model) {
		all = append(all, a.Canary)
	}
	return all
}

// rebaseOne trains the model of a release again on the new base.
func (a *app) rebaseOne(ctx context.Context, r *publish.Release, o rebaseOptions) (*rebased, error) {
	ref, err := a.resolveRelease(r)
	if err != nil {
		return nil, err
	}
	if ref.Adapter == "" {
		return nil, errors.New("it is a base, which there is nothing to train again from")
	}
	made, err := readProvenance(ref.Adapter)
	if err != nil {
		return nil, err
	}
	s, err := a.open(o.base)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if s.ref.Adapter != "" {
		return nil, usagef("--base %s is an adapter: want a base, such as %s", o.base, s.ref.Base)
	}
	base, err := s.bundle.Digest()
	if err != nil {
		return nil, err
	}
	if base == made.BaseSHA {
		return nil, usagef("--base %s is the base that %s was trained on", o.base, r.Model)
	}
	home, err := a.Home()
	if err != nil {
		return nil, err
	}
	one := &rebased{Role: "answers", Old: r.Model, OldBase: ref.Base, New: o.name, NewBase: s.ref.Base}
	if one.New == "" {
		one.New = rebasedName(r.Model, o.base)
	}
	again := retraining{
		session: s, made: made, name: r.Model, title: "rebase " + r.Model, resume: true,
		run: filepath.Join(home, runsFolder, one.New), out: filepath.Join(home, adaptersFolder, one.New),
	}
	if one.Steps, err = a.retrain(ctx, home, again); err != nil {
		return nil, err
	}
	one.Digest, err = adapter.Digest(again.out)
	return one, err
}

// unplain is what a plain name cannot have.
var unplain = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// rebasedName names an adapter after the old one and the new base.
func rebasedName(model, base string) string {
	base = strings.TrimSuffix(filepath.Base(base), ".gguf")
	name := strings.Trim(unplain.ReplaceAllString(model+"-on-"+base, "-"), "-._")
	const longest = 63
	return name[max(0, len(name)-longest):]
}

// compareModels judges a new model against an old one on the same examples.
func (a *app) compareModels(ctx context.Context, ref modelRef, name string, data *testData, gate publish.Gate) (publish.Verdict, error) {
	old, err := a.load(ref)
	if err != nil {
		return publish.Verdict{}, err
	}
	defer old.Close()
	before, err := a.score(ctx, old, data.examples)
	if err != nil {
		return publish.Verdict{}, err
	}
	old.Close()
	after, err := a.measure(ctx, name, data.examples)
	if err != nil {
		return publish.Verdict{}, err
	}
	v, err := gate.Judge(before.result, after.result, resampling)
	v.Against, v.Data = ref.Name, data.digest.String()
	return v, err
}

// proposal is a command that switches, with the options of the gate.
func proposal(command string, o rebaseOptions) string {
	line := fmt.Sprintf("troika %s --data %s", command, o.data)
	if o.split != dataset.Test {
		line += " --split " + o.split
	}
	if o.metric != string(eval.Accuracy) {
		line += " --metric " + o.metric
	}
	if o.margin != 0 {
		line += fmt.Sprintf(" --margin %g", o.margin)
	}
	return line
}

func (a *app) showRebased(r *rebased) error {
	if a.JSON {
		return a.WriteJSON(r)
	}
	t := term.NewTable(term.Column{}, term.Column{Title: "model"}, term.Column{Title: "base"},
		term.Column{Title: string(r.Verdict.Metric), Align: term.Right})
	t.Row("old", r.Old, r.OldBase, fmt.Sprintf("%.3f", r.Verdict.Before))
	t.Row("new", r.New, r.NewBase, fmt.Sprintf("%.3f", r.Verdict.Candidate))
	_, err := fmt.Fprintf(a.Out, "%s, %d steps\n%s%s\nto switch: %s\n", r.Role, r.Steps, t.String(), r.Verdict.Reason(), r.Propose)
	return err
}
