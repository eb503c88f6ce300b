package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/refine/recipe"
	"github.com/troikaml/troika/refine/source/parquet"
)

func newDataCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Keep datasets: versions that never change, with splits and a card",
		Long: `Keep datasets: versions that never change, with splits and a card.

A version is named by what is in it: the same documents give the same digest on every
machine. Names point at versions: faq is the newest of that name, faq@2 the second, and
the first digits of a digest do as well. Versions share what they have in common.`,
		Example: `  troika data add clean/ --name manuals --licence CC-BY-4.0
  troika data list
  troika data show manuals`,
	}
	cmd.AddCommand(
		newDataAddCmd(a), newDataListCmd(a), newDataShowCmd(a), newDataDiffCmd(a),
		newDataExportCmd(a), newDataRemoveCmd(a), newDataCollectCmd(a),
	)
	return cmd
}

// withDatasets opens the datasets of --home.
func (a *app) withDatasets(ctx context.Context, do func(*dataset.Store) error) error {
	home, err := a.Home()
	if err != nil {
		return err
	}
	return withDatasets(ctx, home, do)
}

type dataAddOptions struct {
	name, language string
	labels         []string
	resplit        bool
	card           dataset.Card
	build          dataset.Options
}

func newDataAddCmd(a *app) *cobra.Command {
	var o dataAddOptions
	cmd := &cobra.Command{
		Use:   "add SOURCE --name NAME",
		Short: "Make a version of a folder or file",
		Long: `Make a version of a folder or file.

SOURCE is a folder that troika refine wrote, one that troika data export wrote, a folder
with train.jsonl, validation.jsonl and test.jsonl, a folder with a folder of documents
for each label, or a file of JSON lines or Parquet: texts, with labels or without, or
conversations in OpenAI's fine-tuning format. Aligned texts, as the recipe parallel-pages
writes them, become questions for their translation.

Splits are those of the source, such as a recipe's; where it has none they are drawn,
near-duplicates on one side. Texts of validation.jsonl and test.jsonl may have the labels
of train.jsonl alone, and with --labels all texts those that it names: others are listed by
file and line, and nothing is added. What the source
says of itself, such as what troika refine hid, goes into the card; flags go first.`,
		Example: `  troika data add clean/ --name manuals --licence CC-BY-4.0
  troika data add tickets.jsonl --name tickets --pii redacted \
    --licence LicenseRef-Internal --creator "Shop AG"
  troika data add ./by-topic --name topics --test 0.2`,
		Args: wantArgs("a folder or file", 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.addData(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "name of the dataset")
	f.StringVar(&o.card.Title, "title", "", "title, for people")
	f.StringVar(&o.card.Description, "description", "", "what it is")
	f.StringVar(&o.card.Licence, "licence", "", "SPDX identifier, LicenseRef-NAME, or the address of the terms")
	f.StringSliceVar(&o.card.Languages, "languages", nil, "languages, such as zh,en")
	f.StringVar(&o.card.PII, "pii", "", "personal data: "+strings.Join(dataset.PIIStates(), ", "))
	f.StringVar(&o.card.Provenance, "provenance", "", "where the data is from")
	f.StringVar(&o.card.Creator, "creator", "", "who made it")
	f.StringVar(&o.card.URL, "url", "", "where more is said")
	f.StringVar(&o.language, "language", "", "language of records that do not tell theirs")
	f.StringSliceVar(&o.labels, "labels", nil, "labels that texts may have, such as billing,delivery (default any)")
	f.BoolVar(&o.resplit, "resplit", false, "draw splits anew where the folder has some")
	f.Float64Var(&o.build.Validation, "validation", 0, "share of the validation split (default 0.1)")
	f.Float64Var(&o.build.Test, "test", 0, "share of the test split (default 0.1)")
	f.BoolVar(&o.build.TrainOnly, "train-only", false, "keep everything for training")
	f.Uint64Var(&o.build.Seed, "seed", 0, "seed of the splits")
	_ = cmd.MarkFlagRequired("name") // the flag above exists
	return cmd
}

func (a *app) addData(ctx context.Context, from string, o dataAddOptions) error {
	if err := dataset.CheckName(o.name); err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	folder, file := os.DirFS(from), "."
	if !info.IsDir() {
		folder, file = os.DirFS(filepath.Dir(from)), filepath.Base(from)
	}
	bar := a.Progress.Bar("read "+filepath.Base(from), 0, term.Bytes)
	defer bar.Abort()
	material, err := dataset.Read(ctx, folder, file, dataset.ReadOptions{
		Name: filepath.Base(filepath.Clean(from)), Language: o.language, Labels: o.labels, Resplit: o.resplit, Parquet: parquetRows,
		Progress: func(done, total int64) { bar.SetTotal(total); bar.Set(done) },
	})
	if err != nil {
		return err
	}
	bar.Done()
	for _, f := range material.Failures {
		a.Log.Warn("document left out", "reason", f.Error())
	}
	version := material.Whole()
	if version == nil {
		if version, err = a.buildData(material, o); err != nil {
			return err
		}
	}
	return a.withDatasets(ctx, func(datasets *dataset.Store) error {
		e, err := datasets.Add(ctx, o.name, version)
		if err != nil {
			return err
		}
		if a.JSON {
			err = a.WriteJSON(e)
		} else {
			_, err = fmt.Fprintf(a.Out, "%s  %d records  %s\n", e.Ref(), e.Records, e.Digest)
		}
		if err == nil && len(material.Failures) > 0 {
			return &partialError{Failed: len(material.Failures), Total: len(material.Failures) + material.Records(), Items: "documents"}
		}
		return err
	})
}

// maxParquetPage bounds what is decoded at a time of a column of a Parquet file.
const maxParquetPage = 256 << 20

// parquetRows yields the rows of a Parquet file as JSON objects.
func parquetRows(r io.ReaderAt, size int64) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for row, err := range parquet.Rows(r, size, parquet.Options{MaxPage: maxParquetPage, MaxRow: dataset.MaxChatLine}) {
			if err != nil {
				yield(nil, err)
				return
			}
			fields := map[string]any{}
			for _, f := range row.Fields {
				if f.Value == "" && f.Name != "text" {
					continue // a column has no other way to leave a field out
				}
				if fields[f.Name] = f.Value; f.JSON {
					fields[f.Name] = json.RawMessage(f.Value)
				}
			}
			line, err := json.Marshal(fields)
			if !yield(line, err) {
				return
			}
		}
	}
}

func (a *app) buildData(m *dataset.Material, o dataAddOptions) (*dataset.Version, error) {
	bars := &phaseBars{a: a, items: "documents"}
	defer bars.done()
	o.build.Workers = a.Threads
	o.build.Progress = func(step string, done, documents int) {
		bars.moved(recipe.Phase{Name: step}, int64(done), int64(documents))
	}
	return m.Build(o.card.Or(m.Card), o.build)
}

func newDataListCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the datasets and their versions",
		Example: `  troika data list
  troika data list --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatasets(cmd.Context(), func(datasets *dataset.Store) error {
				entries, err := datasets.List(cmd.Context())
				if err != nil {
					return err
				}
				if a.JSON {
					return a.WriteJSON(map[string][]dataset.Entry{"datasets": append([]dataset.Entry{}, entries...)})
				}
				if len(entries) == 0 {
					_, err := fmt.Fprintln(a.Err, "no datasets: make one with troika data add, or tune on a file")
					return err
				}
				t := term.NewTable(
					term.Column{Title: "version"}, term.Column{Title: "records", Align: term.Right},
					term.Column{Title: "added"}, term.Column{Title: "digest"},
				)
				for _, e := range entries {
					t.Row(e.Ref(), fmt.Sprint(e.Records), e.AddedAt.Local().Format("2006-01-02 15:04"), e.Digest.Hex()[:12])
				}
				_, err = t.WriteTo(a.Out)
				return err
			})
		},
	}
}

func newDataShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show DATASET",
		Short: "Show a version: its card, splits, and how it was made",
		Example: `  troika data show manuals
  troika data show manuals@1 --json`,
		Args: wantArgs("a dataset", 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDatasets(cmd.Context(), func(datasets *dataset.Store) error {
				e, err := datasets.Find(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				v, err := datasets.Open(cmd.Context(), e.Digest.String())
				if err != nil {
					return err
				}
				if a.JSON {
					return a.WriteJSON(map[string]any{"version": e, "manifest": json.RawMessage(v.ManifestJSON())})
				}
				return a.showData(e, v)
			})
		},
	}
}

// showData prints a version for a person.
func (a *app) showData(e dataset.Entry, v *dataset.Version) error {
	m := v.Manifest()
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", e.Ref(), e.Digest)
	if c := m.Card; c != nil {
		for _, row := range [][2]string{
			{"title", c.Title},
			{"description", c.Description},
			{"licence", c.Licence},
			{"languages", strings.Join(c.Languages, ", ")},
			{"personal data", c.PII},
			{"provenance", c.Provenance},
			{"creator", c.Creator},
			{"url", c.URL},
		} {
			if row[1] != "" {
				fmt.Fprintf(&b, "%s  %s\n", term.Pad(row[0], 13, term.Left), term.Clean(row[1]))
			}
		}
	}
	splits := term.NewTable(
		term.Column{Title: "split"}, term.Column{Title: "records", Align: term.Right}, term.Column{Title: "characters", Align: term.Right},
		term.Column{Title: "lengths"}, term.Column{Title: "languages"}, term.Column{Title: "labels"},
	)
	for _, s := range m.Splits {
		lengths := make([]float64, len(s.Lengths))
		for i, n := range s.Lengths {
			lengths[i] = float64(n)
		}
		splits.Row(s.Name, fmt.Sprint(s.Records), fmt.Sprint(s.Characters), term.Sparkline(lengths, len(lengths)), commonest(s.Languages), commonest(s.Labels))
	}
	fmt.Fprintf(&b, "\n%s\n", splits.String())
	fmt.Fprintf(&b, "%d documents went in", m.Documents)
	for _, reason := range slices.Sorted(maps.Keys(m.Dropped)) {
		fmt.Fprintf(&b, ", %d dropped as %s", m.Dropped[reason], reason)
	}
	fmt.Fprintf(&b, "; %d clusters of near-duplicates", m.Clusters)
	if m.Torn > 0 {
		fmt.Fprintf(&b, ", %d of them in several splits as they were given", m.Torn)
	}
	b.WriteString("\n\nhow it was made\n")
	for _, s := range m.Sources {
		fmt.Fprintf(&b, "  from %s %s, %s\n", s.Kind, term.Clean(s.Name), s.Digest)
	}
	for _, s := range m.Recipe {
		params := ""
		if len(s.Params) > 0 {
			text, err := json.Marshal(s.Params)
			if err != nil {
				return err
			}
			params = string(text)
		}
		fmt.Fprintln(&b, strings.TrimRight("  "+s.Name+" "+params, " "))
	}
	_, err := fmt.Fprint(a.Out, b.String())
	return err
}

// commonest lists the most frequent names with their counts.
func commonest(counts map[string]int) string {
	const most = 4
	names := slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		if d := counts[y] - counts[x]; d != 0 {
			return d
		}
		return strings.Compare(x, y)
	})
	var parts []string
	for _, name := range names[:min(most, len(names))] {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	if more := len(names) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

func newDataDiffCmd(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Tell how one version differs from another",
		Example: `  troika data diff manuals@1 manuals@2
  troika data diff manuals@1 manuals --json`,
		Args: wantArgs("two versions", 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDatasets(cmd.Context(), func(datasets *dataset.Store) error {
				before, err := datasets.Open(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				after, err := datasets.Open(cmd.Context(), args[1])
				if err != nil {
					return err
				}
				d, err := dataset.Compare(before, after)
				if err != nil {
					return err
				}
				if a.JSON {
					return a.WriteJSON(d)
				}
				return a.showDiff(d, limit)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "records to list")
	return cmd
}

func (a *app) showDiff(d dataset.Diff, limit int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records are the same, %d added, %d removed, %d changed, %d moved to another split\n", d.Same, d.Added, d.Removed, d.Changed, d.Moved)
	fmt.Fprintf(&b, "%d of %d shards, %d of %d bytes are shared\n", d.SharedShards, d.Shards, d.SharedBytes, d.Bytes)
	for _, c := range d.Changes[:min(max(0, limit), len(d.Changes))] {
		id := term.Clean(c.ID)
		switch {
		case c.From == "":
			fmt.Fprintf(&b, "+ %s  %s\n", id, c.To)
		case c.To == "":
			fmt.Fprintf(&b, "- %s  %s\n", id, c.From)
		case c.From != c.To:
			fmt.Fprintf(&b, "> %s  %s -> %s\n", id, c.From, c.To)
		default:
			fmt.Fprintf(&b, "~ %s  %s\n", id, c.To)
		}
	}
	if more := len(d.Changes) - limit; limit >= 0 && more > 0 {
		fmt.Fprintf(&b, "and %d more: --limit\n", more)
	}
	_, err := fmt.Fprint(a.Out, b.String())
	return err
}

func newDataRemoveCmd(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "rm DATASET",
		Short: "Forget a version; troika data gc then frees what it took",
		Long: `Forget a version; troika data gc then frees what it took.

A version that a tuned model was made of is kept, so that it can be told what the model
has learned, unless --force says otherwise.`,
		Example: `  troika data rm manuals@1`,
		Args:    wantArgs("a dataset", 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDatasets(cmd.Context(), func(datasets *dataset.Store) error {
				return a.removeData(cmd.Context(), datasets, args[0], force)
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "forget it though models were made of it")
	return cmd
}

func (a *app) removeData(ctx context.Context, datasets *dataset.Store, ref string, force bool) error {
	e, err := datasets.Find(ctx, ref)
	if err != nil {
		return err
	}
	if !force {
		made, err := a.madeOf(e.Digest)
		if err != nil {
			return err
		}
		if len(made) > 0 {
			return fmt.Errorf("%s is what %s was made of; --force forgets it all the same", e.Ref(), strings.Join(made, ", "))
		}
	}
	if e, err = datasets.Remove(ctx, e.Ref()); err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(e)
	}
	_, err = fmt.Fprintf(a.Out, "%s is forgotten\n", e.Ref())
	return err
}

// madeOf returns the tuned models of --home that were made of a dataset.
func (a *app) madeOf(version troika.Digest) ([]string, error) {
	home, err := a.Home()
	if err != nil {
		return nil, err
	}
	var made []string
	for _, folder := range []string{adaptersFolder, tunedFolder} {
		err := filepath.WalkDir(filepath.Join(home, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || d.Name() != provenanceFile {
				return present(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return present(err)
			}
			var p struct {
				Model   string        `json:"model"`
				Dataset troika.Digest `json:"dataset"`
			}
			if err := json.Unmarshal(text, &p); err == nil && p.Dataset == version {
				if p.Model == "" {
					p.Model = filepath.Base(filepath.Dir(path))
				}
				made = append(made, p.Model)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

// present returns an error unless it is that something is not there.
func present(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func newDataCollectCmd(a *app) *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Free what no version needs any more",
		Example: `  troika data gc --dry-run
  troika data gc`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDatasets(cmd.Context(), func(datasets *dataset.Store) error {
				n, err := datasets.Collect(cmd.Context(), dry)
				if err != nil {
					return err
				}
				if a.JSON {
					return a.WriteJSON(map[string]any{"blobs": n, "dry_run": dry})
				}
				what := "freed"
				if dry {
					what = "would be freed"
				}
				_, err = fmt.Fprintf(a.Out, "%d blobs %s\n", n, what)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only count")
	return cmd
}
