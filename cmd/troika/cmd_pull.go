package main

import (
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/hub"
	"github.com/troikaml/troika/internal/term"
)

func newPullCmd(a *app) *cobra.Command {
	var patterns []string
	var parallel int
	cmd := &cobra.Command{
		Use:   "pull hf://ORG/NAME[@REVISION]",
		Short: "Bring a model from a hub into --home",
		Long: `Bring a model from a hub that speaks Hugging Face's protocol into --home.

HF_ENDPOINT names another hub or a mirror, HF_TOKEN a token for private models. A
pull that was cut goes on where it stopped, and every file's hash is checked.`,
		Example: `  troika pull hf://Qwen/Qwen3-0.6B
  HF_ENDPOINT=http://127.0.0.1:9000 troika pull hf://org/name@v1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := a.Home()
			if err != nil {
				return err
			}
			ref, err := hub.ParseRef(args[0])
			if err != nil {
				return &usageError{err}
			}
			client := &hub.Client{
				Endpoint: a.Getenv("HF_ENDPOINT"), Token: a.Getenv("HF_TOKEN"), Parallel: parallel, HTTP: &http.Client{},
			}
			bar := a.Progress.Bar(ref.ID(), 0, term.Bytes)
			defer bar.Abort()
			dir, err := client.Pull(cmd.Context(), ref, hub.Options{
				Store: hub.Store{Dir: filepath.Join(home, modelsFolder)}, Patterns: patterns,
				Progress: func(p hub.Progress) {
					bar.SetTotal(p.Total)
					bar.Note("file %d of %d", p.FilesDone, p.Files)
					bar.Set(p.Done)
				},
			})
			if err != nil {
				return err
			}
			bar.Done()
			if a.JSON {
				return a.WriteJSON(map[string]string{"model": ref.ID(), "dir": dir})
			}
			_, err = fmt.Fprintf(a.Out, "%s in %s\n", ref.ID(), dir)
			return err
		},
	}
	cmd.Flags().StringSliceVar(&patterns, "include", nil, "files to take, such as *.safetensors (default: what a model needs)")
	cmd.Flags().IntVar(&parallel, "parallel", 4, "parts downloaded at once")
	return cmd
}
