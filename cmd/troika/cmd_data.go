package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/internal/term"
)

func newDataCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Keep, show and export versions of datasets",
		Long: `Keep, show and export versions of datasets.

A version never changes and is named by the digest of its content; a name of --home
counts its versions from 1. A version is asked for as NAME (the newest), NAME@NUMBER or
by its digest, of which 8 digits are enough.`,
		Example: `  troika data add clean --name faq --licence CC-BY-4.0
  troika data list
  troika data show faq
  troika data export faq@1 --out faq`,
	}
	cmd.AddCommand(newDataAddCmd(a), newDataListCmd(a), newDataShowCmd(a), newDataExportCmd(a))
	return cmd
}

// dataAdd is what troika data add was asked for.
type dataAdd struct {
	name    string
	lang    string // of rows that do not say
	resplit bool
	card    dataset.Card
	build   dataset.Options
}

func newDataAddCmd(a *app) *cobra.Command {
	var o dataAdd
	cmd := &cobra.Command{
		Use:   "add INPUT --name NAME",
		Short: "Make a version of a folder or a file",
		Long: `Make a version of a folder or a file.

INPUT is a folder that troika refine wrote in JSON lines, a file of JSON lines (texts,
labelled or not, or conversations), a folder with train.jsonl and others, a folder with a
folder for each label, or an exported version. Near-duplicates share a split.`,
		Example: `  troika data add clean --name faq --licence CC-BY-4.0
  troika data add tickets.jsonl --name tickets --language zh --pii none`,
		Args: oneArg("one folder or file"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.addData(cmd.Context(), &o, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "name of the dataset")
	f.StringVar(&o.card.Title, "title", "", "title on the card")
	f.StringVar(&o.card.Description, "description", "", "what the data is")
	f.StringVar(&o.card.Licence, "licence", "", "SPDX identifier, LicenseRef-NAME or the address of the terms")
	f.StringSliceVar(&o.card.Languages, "language", nil, "languages on the card, such as zh,en; one is that of rows that do not say")
	f.StringVar(&o.card.PII, "pii", "", "personal data: "+strings.Join(dataset.PIIStates(), ", "))
	f.StringVar(&o.card.Provenance, "provenance", "", "where the data is from, in words")
	f.StringVar(&o.card.Creator, "creator", "", "who made it")
	f.StringVar(&o.card.URL, "url", "", "address of its page")
	f.Float64Var(&o.build.Validation, "validation", 0, "share of validation (default 0.1 with --test 0.1)")
	f.Float64Var(&o.build.Test, "test", 0, "share of the test")
	f.BoolVar(&o.build.TrainOnly, "train-only", false, "put every record into training")
	f.BoolVar(&o.resplit, "resplit", false, "draw splits anew where the folder has a file for each")
	f.Uint64Var(&o.build.Seed, "seed", 0, "seed of the splits")
	_ = cmd.MarkFlagRequired("name") // the flag above exists
	return cmd
}

// oneArg refuses anything but one argument, which what names.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("want %s", what)
		}
		return nil
	}
}

func (a *app) addData(ctx context.Context, o *dataAdd, input string) error {
	if len(o.card.Languages) == 1 {
		o.lang = o.card.Languages[0]
	}
	if o.card.Licence != "" {
		var err error
		if o.card.Licence, err = dataset.ParseLicence(o.card.Licence); err != nil {
			return usagef("--licence: %v", err)
		}
	}
	v, failed, err := a.readVersion(ctx, o, input)
	if err != nil {
		return err
	}
	home, err := a.Home()
	if err != nil {
		return err
	}
	versions, done, err := openDatasets(ctx, home)
	if err != nil {
		return err
	}
	defer done()
	e, err := versions.Add(ctx, o.name, v)
	if err != nil {
		return err
	}
	if a.JSON {
		err = a.WriteJSON(e)
	} else {
		_, err = fmt.Fprintf(a.Out, "%s  %d records  %s\n", e.Ref(), e.Records, e.Digest)
	}
	if err == nil && failed > 0 {
		err = &partialError{Failed: failed, Total: v.Manifest().Documents + failed, Items: "documents"}
	}
	return err
}

// readVersion reads an input and makes a version of it. Documents that cannot be read
// are told and counted.
func (a *app) readVersion(ctx context.Context, o *dataAdd, input string) (v *dataset.Version, failed int, err error) {
	path, err := filepath.Abs(input)
	if err != nil {
		return nil, 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	dir, file := path, "."
	if !info.IsDir() {
		dir, file = filepath.Split(path)
	}
	m, err := dataset.Read(ctx, os.DirFS(dir), file, dataset.ReadOptions{
		Name: filepath.Base(path), Language: o.lang, Resplit: o.resplit,
	})
	if err != nil {
		return nil, 0, err
	}
	if v = m.Whole(); v != nil {
		if o.changesVersion() {
			return nil, 0, usagef("%s is a version already: its card and splits are part of it", input)
		}
		return v, 0, nil
	}
	for _, f := range m.Failures {
		if _, err := fmt.Fprintln(a.Err, term.Clean(f.Error())); err != nil {
			return nil, 0, err
		}
	}
	card := o.card.Or(m.Card)
	card.PIICounts = m.Card.PIICounts
	o.build.Workers = a.Threads
	v, err = m.Build(card, o.build)
	return v, len(m.Failures), err
}

// changesVersion reports whether a flag was given that an exported version cannot take.
func (o *dataAdd) changesVersion() bool {
	c, b := o.card, o.build
	return c.Title+c.Description+c.Licence+c.PII+c.Provenance+c.Creator+c.URL != "" || len(c.Languages) > 0 ||
		b.Validation != 0 || b.Test != 0 || b.Seed != 0 || b.TrainOnly || o.resplit
}

func newDataListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List all versions by name and number",
		Example: `  troika data list --json`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listData(cmd.Context()) },
	}
}

func (a *app) listData(ctx context.Context) error {
	home, err := a.Home()
	if err != nil {
		return err
	}
	versions, done, err := openDatasets(ctx, home)
	if err != nil {
		return err
	}
	defer done()
	entries, err := versions.List(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string][]dataset.Entry{"datasets": entries})
	}
	return a.printEntries(entries)
}

func (a *app) printEntries(entries []dataset.Entry) error {
	t := term.NewTable(
		term.Column{Title: "VERSION"}, term.Column{Title: "RECORDS", Align: term.Right},
		term.Column{Title: "ADDED"}, term.Column{Title: "DIGEST"},
	)
	for _, e := range entries {
		t.Row(e.Ref(), fmt.Sprint(e.Records), e.AddedAt.Format(time.RFC3339), e.Digest.Hex()[:12])
	}
	_, err := t.WriteTo(a.Out)
	return err
}

func newDataShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show VERSION",
		Short: "Show a version: splits, card, sources and steps, and the name's history",
		Example: `  troika data show faq
  troika data show faq@1 --json`,
		Args: oneArg("one version: NAME, NAME@NUMBER or a digest"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.showData(cmd.Context(), args[0]) },
	}
}

// shownData is what troika data show --json writes.
type shownData struct {
	dataset.Entry

	// Bytes are those of the records.
	Bytes int64 `json:"bytes"`
	// History has all versions of the name, oldest first.
	History  []dataset.Entry  `json:"history"`
	Manifest dataset.Manifest `json:"manifest"`
}

func (a *app) showData(ctx context.Context, ref string) error {
	home, err := a.Home()
	if err != nil {
		return err
	}
	versions, done, err := openDatasets(ctx, home)
	if err != nil {
		return err
	}
	defer done()
	var s shownData
	if s.Entry, err = versions.Find(ctx, ref); err != nil {
		return err
	}
	v, err := versions.Open(ctx, s.Digest.String())
	if err != nil {
		return err
	}
	s.Manifest = v.Manifest()
	all, err := versions.List(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Name == s.Name {
			s.History = append(s.History, e)
		}
	}
	for _, split := range s.Manifest.Splits {
		for _, shard := range split.Shards {
			s.Bytes += shard.Bytes
		}
	}
	if a.JSON {
		return a.WriteJSON(s)
	}
	return a.printData(&s)
}

func (a *app) printData(s *shownData) error {
	m := &s.Manifest
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n%d records, %d bytes, of %d documents in %d clusters\n", s.Ref(), s.Digest, s.Records, s.Bytes, m.Documents, m.Clusters)
	card := dataset.Card{}
	if m.Card != nil {
		card = *m.Card
	}
	for _, line := range [][2]string{
		{"title", card.Title},
		{"about", card.Description},
		{"licence", card.Licence},
		{"languages", strings.Join(card.Languages, ", ")},
		{"personal", card.PII},
		{"from", card.Provenance},
		{"creator", card.Creator},
		{"url", card.URL},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "  %-10s%s\n", line[0], term.Clean(line[1]))
		}
	}
	for _, source := range m.Sources {
		fmt.Fprintf(&b, "  %-10s%s %s %s\n", "source", source.Kind, term.Clean(source.Name), source.Digest)
	}
	steps := make([]string, len(m.Recipe))
	for i, step := range m.Recipe {
		steps[i] = step.Name
	}
	fmt.Fprintf(&b, "  %-10s%s\n\n", "steps", strings.Join(steps, ", "))
	t := term.NewTable(
		term.Column{Title: "SPLIT"}, term.Column{Title: "RECORDS", Align: term.Right},
		term.Column{Title: "CHARACTERS", Align: term.Right}, term.Column{Title: "LABELS", Max: 40}, term.Column{Title: "LANGUAGES", Max: 24},
	)
	for _, split := range m.Splits {
		t.Row(split.Name, fmt.Sprint(split.Records), fmt.Sprint(split.Characters), counts(split.Labels), counts(split.Languages))
	}
	b.WriteString(t.String() + "\n")
	if _, err := a.Out.Write([]byte(b.String())); err != nil {
		return err
	}
	return a.printEntries(s.History)
}

// counts renders numbers by name.
func counts(m map[string]int) string {
	var parts []string
	for _, k := range sortedKeys(m) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(parts, ", ")
}

func newDataExportCmd(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export VERSION --out DIR",
		Short: "Write a version as JSON lines, a file for each split",
		Long: `Write a version as JSON lines, a file for each split, with its lineage and, last, its
manifest. The same version is always the same bytes, and troika data add makes the same
version of the folder.`,
		Example: `  troika data export faq@1 --out faq`,
		Args:    oneArg("one version: NAME, NAME@NUMBER or a digest"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.exportData(cmd.Context(), args[0], out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "folder to write to, new, empty or an earlier export")
	_ = cmd.MarkFlagRequired("out") // the flag above exists
	return cmd
}

func (a *app) exportData(ctx context.Context, ref, out string) error {
	home, err := a.Home()
	if err != nil {
		return err
	}
	versions, done, err := openDatasets(ctx, home)
	if err != nil {
		return err
	}
	defer done()
	v, err := versions.Open(ctx, ref)
	if err != nil {
		return err
	}
	if err := exportable(ctx, out); err != nil {
		return err
	}
	if err := fsx.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := v.Export(out); err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"digest": v.Digest(), "out": out})
	}
	_, err = fmt.Fprintf(a.Out, "%s in %s\n", v.Digest(), out)
	return err
}

// exportable refuses a folder that holds what no export wrote: its files would stand
// among those of the version, or be replaced.
func exportable(ctx context.Context, out string) error {
	left, err := os.ReadDir(out)
	if os.IsNotExist(err) || (err == nil && len(left) == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := dataset.Read(ctx, os.DirFS(out), ".", dataset.ReadOptions{})
	if err != nil || m.Whole() == nil {
		return &occupiedError{out}
	}
	return nil
}

// occupiedError says that a folder is in use for something else.
type occupiedError struct{ dir string }

func (e *occupiedError) Error() string {
	return fmt.Sprintf("export dataset: %s holds something else: choose a new folder", e.dir)
}

// Code implements coder.
func (*occupiedError) Code() string { return "exists" }
