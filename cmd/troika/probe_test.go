package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/internal/term"
)

// codedError names its own code, as errors of other packages may.
type codedError struct{}

func (codedError) Error() string { return "open model x: no such architecture" }
func (codedError) Code() string  { return "unsupported" }

// newProbeCmd is a verb of the test binary that shows how every verb is
// treated: its errors, logs, progress, flags and interruption.
func newProbeCmd(a *app) *cobra.Command {
	probe := &cobra.Command{Use: "probe", Short: "Probe the frame that verbs run in"}
	fail := func(name string, err error) {
		probe.AddCommand(&cobra.Command{Use: name, RunE: func(*cobra.Command, []string) error { return err }})
	}
	fail("fail", errors.New("open x.bin: broken"))
	fail("coded", fmt.Errorf("probe: %w", codedError{}))
	fail("missing", fmt.Errorf("open y: %w", fs.ErrNotExist))
	fail("full", fmt.Errorf("write z: %w", syscall.ENOSPC))
	fail("usage", usagef("--rank 0: want at least 1"))
	fail("partial", &partialError{Failed: 2, Total: 5, Items: "documents"})
	probe.AddCommand(
		&cobra.Command{
			Use: "frame",
			RunE: func(*cobra.Command, []string) error {
				home, err := a.Home()
				if err != nil {
					return err
				}
				a.Log.Debug("fine")
				a.Log.Info("told", slog.Int("threads", a.Threads))
				a.Log.Warn("beware")
				if a.JSON {
					return a.WriteJSON(map[string]any{"home": home, "threads": a.Threads, "text": "<&>"})
				}
				_, err = fmt.Fprintf(a.Out, "home %s\nthreads %d\n", home, a.Threads)
				return err
			},
		},
		&cobra.Command{
			Use: "progress",
			RunE: func(*cobra.Command, []string) error {
				bar := a.Progress.Bar("work", 10, term.Items("steps"))
				bar.Add(4)
				a.Log.Warn("beside the bar")
				return errors.New("step 5: gave up")
			},
		},
		&cobra.Command{
			Use: "wait",
			RunE: func(cmd *cobra.Command, _ []string) error {
				if _, err := fmt.Fprintln(a.Out, "waiting"); err != nil {
					return err
				}
				<-cmd.Context().Done()
				return fmt.Errorf("wait: %w", cmd.Context().Err())
			},
		},
		&cobra.Command{
			Use:  "stubborn",
			RunE: func(*cobra.Command, []string) error { fmt.Fprintln(a.Out, "waiting"); select {} },
		},
	)
	return probe
}
