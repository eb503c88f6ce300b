package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/refine/recipe"
)

// refineFlags are what troika refine was asked for.
type refineFlags struct {
	recipe    string
	steps     []string
	set       []string
	format    string
	out       string
	workers   int
	memory    byteSize
	overwrite bool
}

func newRefineCmd(a *app) *cobra.Command {
	f := refineFlags{memory: 1 << 30}
	cmd := &cobra.Command{
		Use:   "refine INPUT... --out DIR",
		Short: "Turn raw documents into training data",
		Long: "Turn raw documents into training data: files, folders and archives go in, shards of\n" +
			"records come out, with a manifest, a report and every decision that was made.\n" +
			"A run that was stopped goes on when the same command is given again.",
		Example: `  troika refine pages/ --recipe web-zh --out clean
  troika refine crawl.warc.gz notes.jsonl --out clean \
    --recipe my.yaml --memory 4GiB
  troika refine pages/ --steps exact-dedup,near-dedup --out clean --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no inputs: name files or folders")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return refineInputs(cmd.Context(), a, f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.recipe, "recipe", "docs-company", "recipe: "+strings.Join(recipe.Shipped(), ", ")+", or a .yaml file")
	fl.StringSliceVar(&f.steps, "steps", nil, "run these steps alone; see: troika refine steps")
	fl.StringArrayVar(&f.set, "set", nil, "change a setting of the recipe, as step.setting=value; may be repeated")
	fl.StringVar(&f.format, "format", "", "jsonl or parquet; short for --set output.format=...")
	fl.StringVar(&f.out, "out", "", "folder to write to")
	fl.IntVar(&f.workers, "workers", 0, "documents to work on at once (default --threads)")
	fl.Var(&f.memory, "memory", "memory to stay within, such as 512MiB")
	fl.BoolVar(&f.overwrite, "overwrite", false, "replace what a finished run left in the folder")
	_ = cmd.MarkFlagRequired("out")
	cmd.AddCommand(newRefineExplainCmd(a), newRefineStepsCmd(a), newRefineRecipesCmd(a))
	return cmd
}

func refineInputs(ctx context.Context, a *app, f refineFlags, inputs []string) error {
	r, err := openRecipe(f)
	if err != nil {
		return err
	}
	if f.workers < 0 {
		return usagef("--workers %d: want at least 1", f.workers)
	}
	if f.workers == 0 {
		f.workers = a.Threads
	}
	cache := "" // without a home the reader of PDFs is interpreted
	if home, err := a.homePath(); err == nil {
		cache = filepath.Join(home, "cache", "pdf")
	}
	bars := &phaseBars{a: a, items: "chunks"}
	report, err := recipe.Run(ctx, recipe.Options{
		Inputs: inputs, Recipe: r, Out: f.out, Workers: f.workers, Memory: int64(f.memory),
		Overwrite: f.overwrite, Progress: bars.moved, Cache: cache,
	})
	if err != nil {
		return err
	}
	bars.done()
	if a.JSON {
		err = a.WriteJSON(report)
	} else {
		err = a.printRefined(report, f.out)
	}
	if err == nil && report.Counts.Failed > 0 {
		err = &partialError{Failed: report.Counts.Failed, Total: report.Counts.Documents + report.Counts.Failed, Items: "items"}
	}
	return err
}

// openRecipe finds a recipe by name or file, takes the steps alone that are
// named, if any are, and changes settings.
func openRecipe(f refineFlags) (r *recipe.Recipe, err error) {
	if recipe.IsFile(f.recipe) {
		r, err = recipe.OpenFS(os.DirFS(filepath.Dir(f.recipe)), filepath.Base(f.recipe))
	} else {
		r, err = recipe.Open(f.recipe)
	}
	if err == nil && f.steps != nil {
		r, err = recipe.OfSteps(f.steps, r)
	}
	if f.format != "" {
		f.set = append(slices.Clone(f.set), "output.format="+f.format)
	}
	for _, one := range f.set {
		if err == nil {
			key, value, _ := strings.Cut(one, "=")
			r, err = r.Set(key, value)
		}
	}
	if err != nil {
		return nil, &usageError{err}
	}
	return r, nil
}

// printRefined shows the funnel.
func (a *app) printRefined(r *recipe.Report, out string) error {
	t := term.NewTable(
		term.Column{Title: "step"}, term.Column{Title: "documents in", Align: term.Right},
		term.Column{Title: "dropped", Align: term.Right}, term.Column{Title: "edited", Align: term.Right},
		term.Column{Title: "lines cut", Align: term.Right}, term.Column{Title: "first reason", Max: 40},
	)
	for _, s := range r.Steps {
		reason := ""
		if len(s.Reasons) > 0 {
			reason = s.Reasons[0].Rule
		}
		t.Row(s.Step, fmt.Sprint(s.In), fmt.Sprint(s.Dropped), fmt.Sprint(s.Edited), fmt.Sprint(s.Lines), reason)
	}
	if _, err := t.WriteTo(a.Out); err != nil {
		return err
	}
	c := r.Counts
	_, err := fmt.Fprintf(a.Out, "\n%d of %d documents kept, %d records in %s\n", c.Kept, c.Documents, c.Records, out)
	if err == nil && c.Failed > 0 {
		_, err = fmt.Fprintf(a.Out, "%d items failed: %s\n", c.Failed, filepath.Join(out, "failures.jsonl"))
	}
	return err
}

func newRefineExplainCmd(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:     "explain DOC --out DIR",
		Short:   "Say why a document was kept, cut or dropped",
		Example: `  troika refine explain pages/a.html --out clean`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want one document's ID or source")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			decisions, err := recipe.Explain(out, args[0])
			if err != nil {
				return err
			}
			for i := range decisions {
				if a.JSON {
					err = a.WriteJSON(decisions[i])
				} else {
					err = a.printDecision(&decisions[i])
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder that the run wrote to")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

// printDecision tells one document's story.
func (a *app) printDecision(d *recipe.Decision) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  source    %s\n", term.Clean(d.ID), term.Clean(d.Source))
	if d.Lang != "" {
		fmt.Fprintf(&b, "  language  %s\n", term.Clean(d.Lang))
	}
	if d.Drop == nil {
		fmt.Fprintf(&b, "  kept      %d of %d characters\n", d.After, d.Before)
	} else {
		fmt.Fprintf(&b, "  dropped   by %s: %s is %.6g, threshold %.6g\n", d.Drop.Step, d.Drop.Rule, d.Drop.Value, d.Drop.Threshold)
		if d.Drop.Twin != "" {
			fmt.Fprintf(&b, "  like      %s\n", term.Clean(d.Drop.Twin))
		}
	}
	if len(d.Edited) > 0 {
		fmt.Fprintf(&b, "  edited    by %s\n", strings.Join(d.Edited, ", "))
	}
	for _, l := range d.Lines {
		fmt.Fprintf(&b, "  line %-4d cut by %s: %s is %.6g, threshold %.6g: %s\n", l.Line, l.Step, l.Rule, l.Value, l.Threshold, term.Clean(l.Text))
	}
	for _, step := range sortedKeys(d.Counts) {
		for _, name := range sortedKeys(d.Counts[step]) {
			fmt.Fprintf(&b, "  counted   %s %s: %d\n", step, name, d.Counts[step][name])
		}
	}
	for _, step := range sortedKeys(d.Scores) {
		for _, name := range sortedKeys(d.Scores[step]) {
			fmt.Fprintf(&b, "  measured  %s %s: %.6g\n", step, name, d.Scores[step][name])
		}
	}
	_, err := a.Out.Write([]byte(b.String()))
	return err
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func newRefineStepsCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "steps",
		Short:   "List the steps that recipes can name, with their settings",
		Example: `  troika refine steps`,
		RunE: func(*cobra.Command, []string) error {
			for _, m := range recipe.Makers() {
				defaults, err := m.Defaults()
				if err != nil {
					return err
				}
				if a.JSON {
					err = a.WriteJSON(map[string]string{"step": m.Name, "help": m.Help, "defaults": defaults})
				} else {
					_, err = fmt.Fprintf(a.Out, "%s: %s\n    %s\n", m.Name, m.Help, defaults)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newRefineRecipesCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "recipes",
		Short:   "List the recipes that come with the program",
		Example: `  troika refine recipes`,
		RunE: func(*cobra.Command, []string) error {
			for _, name := range recipe.Shipped() {
				r, err := recipe.Open(name)
				if err != nil {
					return err
				}
				if a.JSON {
					err = a.WriteJSON(r)
				} else {
					_, err = fmt.Fprintf(a.Out, "%s %s: %s\n", r.Name, r.Version, r.Description)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
