package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/dataset"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/refine/source/parquet"
)

// The cards that an export has beside its data.
const (
	hubCardFile   = "README.md"
	croissantFile = "croissant.json"
)

// The formats of an export.
const (
	formatJSONL   = "jsonl"
	formatParquet = "parquet"
)

func newDataExportCmd(a *app) *cobra.Command {
	format := formatJSONL
	cmd := &cobra.Command{
		Use:   "export DATASET DIR",
		Short: "Write a version as files, with its cards",
		Long: `Write a version as files, with its cards.

DIR gets a file of JSON lines for each split, what became of every document, the
manifest, a card for the Hugging Face hub (README.md) and one in MLCommons' Croissant
1.1 (croissant.json). With --format parquet the splits are Parquet files of at most
256 MB of JSON lines each. troika data add makes the same version of either elsewhere.`,
		Example: `  troika data export manuals ./manuals
  troika data export manuals@2 ./manuals --format parquet`,
		Args: wantArgs("a dataset and a folder", 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var o dataset.ExportOptions
			switch format {
			case formatJSONL:
			case formatParquet:
				o.Tables = parquetTables()
			default:
				return usagef("--format %q: want %s or %s", format, formatJSONL, formatParquet)
			}
			return a.withDatasets(cmd.Context(), func(datasets *dataset.Store) error {
				return a.exportData(cmd.Context(), datasets, args[0], args[1], o)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "jsonl or parquet")
	return cmd
}

// parquetTables begins Parquet files as the refinery writes them.
func parquetTables() *dataset.Tables {
	return &dataset.Tables{
		Texts: func(w io.Writer) dataset.Table[dataset.TextRow] { return parquet.NewWriter[dataset.TextRow](w) },
		Chats: func(w io.Writer) dataset.Table[dataset.ChatRow] { return parquet.NewWriter[dataset.ChatRow](w) },
	}
}

func (a *app) exportData(ctx context.Context, datasets *dataset.Store, ref, dir string, o dataset.ExportOptions) error {
	e, err := datasets.Find(ctx, ref)
	if err != nil {
		return err
	}
	v, err := datasets.Open(ctx, e.Digest.String())
	if err != nil {
		return err
	}
	if err := exportable(dir); err != nil {
		return err
	}
	if err := fsx.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	o.Cards = map[string]func([]dataset.File) ([]byte, error){
		hubCardFile:   func(splits []dataset.File) ([]byte, error) { return v.HuggingFaceCard(e, splits) },
		croissantFile: func(splits []dataset.File) ([]byte, error) { return v.Croissant(e, splits) },
	}
	if _, err := v.Export(dir, o); err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"version": e, "dir": dir})
	}
	_, err = fmt.Fprintf(a.Out, "%s in %s\n", e.Ref(), dir)
	return err
}

// exportable refuses a folder that holds something else than an export, whole or not.
func exportable(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return present(err)
	}
	// A kill may leave the file that says so, or its beginning, alone.
	begun := func(f fs.DirEntry) bool { return strings.Contains(f.Name(), dataset.UnfinishedFile) }
	if len(files) == 0 || slices.ContainsFunc(files, begun) {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if present(err) != nil {
		return err
	}
	var m struct {
		Format any `json:"format"`
	}
	_ = json.Unmarshal(text, &m) // what is no manifest is something else
	if name, _ := m.Format.(string); !strings.HasPrefix(name, "troika.dataset/") {
		return fmt.Errorf("%s holds something else: choose another folder", dir)
	}
	return nil
}
