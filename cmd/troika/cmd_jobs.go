package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/serve/finetune"
	"github.com/troikaml/troika/store"
	"github.com/troikaml/troika/store/sqlite"
)

func newJobsCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "Show and steer the fine-tuning jobs of the server",
		Long: `Show and steer the fine-tuning jobs of the server: what /v1/fine_tuning/jobs shows,
in the terminal.

Jobs are on record in --home, so that this works whether the server runs or not: one
that runs follows within a second, and jobs go on when it starts again. A job is named
by its ID, or by as much of it as no other job has.`,
		Example: `  troika jobs list
  troika jobs watch ftjob-k3x
  troika jobs pause ftjob-k3x && troika jobs resume ftjob-k3x`,
	}
	cmd.AddCommand(newJobsListCmd(a), newJobsShowCmd(a), newJobsWatchCmd(a),
		newJobsChangeCmd(a, "cancel", "Cancel a job for good; its checkpoints stay",
			func(ctx context.Context, s *job.Store, id string) (job.Job, error) {
				return s.Cancel(ctx, id, "cancelled on the command line")
			}),
		newJobsChangeCmd(a, "pause", "Pause a job within a step, until it is resumed",
			func(ctx context.Context, s *job.Store, id string) (job.Job, error) {
				return s.Pause(ctx, id, "paused on the command line")
			}),
		newJobsChangeCmd(a, "resume", "Put a paused job back into the queue",
			func(ctx context.Context, s *job.Store, id string) (job.Job, error) { return s.Resume(ctx, id) }))
	return cmd
}

func newJobsListCmd(a *app) *cobra.Command {
	var states []string
	limit := 20
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List jobs, newest first",
		Example: `  troika jobs list
  troika jobs list --state running,queued
  troika jobs list --limit 1000 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := job.Query{Kinds: []string{finetune.Kind}, Limit: limit}
			for _, s := range states {
				if !slices.Contains(job.States(), job.State(s)) {
					return usagef("--state %q: want one of %v", s, job.States())
				}
				q.States = append(q.States, job.State(s))
			}
			if limit < 1 || limit > 1000 {
				return usagef("--limit %d: want 1 to 1000", limit)
			}
			return a.withJobs(cmd.Context(), func(ctx context.Context, s *job.Store) error { return a.listJobs(ctx, s, q) })
		},
	}
	cmd.Flags().StringSliceVar(&states, "state", nil, "states to list, such as running,paused (default all)")
	cmd.Flags().IntVar(&limit, "limit", limit, "how many to list")
	return cmd
}

func newJobsShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a job with its last events",
		Example: `  troika jobs show ftjob-k3x`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withJob(cmd.Context(), args[0], a.showJob)
		},
	}
}

func newJobsWatchCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "watch ID",
		Short: "Follow a job until it is over",
		Long: `Follow a job until it is over: its events on the standard output, and a bar. The exit
code is 1 if the job fails or is cancelled. Interrupting this leaves the job alone.`,
		Example: `  troika jobs watch ftjob-k3x
  troika jobs watch ftjob-k3x --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withJob(cmd.Context(), args[0], a.watchJob)
		},
	}
}

func newJobsChangeCmd(a *app, verb, short string, do func(context.Context, *job.Store, string) (job.Job, error)) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " ID",
		Short:   short,
		Example: "  troika jobs " + verb + " ftjob-k3x",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withJob(cmd.Context(), args[0], func(ctx context.Context, s *job.Store, j job.Job) error {
				changed, err := do(ctx, s, j.ID)
				if errors.Is(err, job.ErrState) {
					return fmt.Errorf("%s job %s%s: it is over, it has %s", verb, finetune.IDPrefix, j.ID, j.State)
				}
				if err != nil {
					return err
				}
				return a.writeJob(changed)
			})
		},
	}
}

// withJobs opens the record of jobs.
func (a *app) withJobs(ctx context.Context, do func(context.Context, *job.Store) error) error {
	home, err := a.Home()
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, filepath.Join(home, databaseFile))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // every change was committed
	s, err := job.Open(ctx, db)
	if err != nil {
		return err
	}
	return do(ctx, s)
}

// withJob finds a job by its ID or the beginning of it.
func (a *app) withJob(ctx context.Context, name string, do func(context.Context, *job.Store, job.Job) error) error {
	return a.withJobs(ctx, func(ctx context.Context, s *job.Store) error {
		j, err := findJob(ctx, s, name)
		if err != nil {
			return err
		}
		return do(ctx, s, j)
	})
}

func findJob(ctx context.Context, s *job.Store, name string) (job.Job, error) {
	prefix := strings.TrimPrefix(name, finetune.IDPrefix)
	q := job.Query{Kinds: []string{finetune.Kind}, Limit: 1000}
	var found []job.Job
	for more := prefix != ""; more; {
		var jobs []job.Job
		var err error
		if jobs, more, err = s.List(ctx, q); err != nil {
			return job.Job{}, err
		}
		for _, j := range jobs {
			q.After = j.ID
			if strings.HasPrefix(j.ID, prefix) {
				found = append(found, j)
			}
		}
	}
	switch len(found) {
	case 0:
		return job.Job{}, fmt.Errorf("job %q: %w; troika jobs list shows what there is", name, store.ErrNotFound)
	case 1:
		return found[0], nil
	}
	return job.Job{}, fmt.Errorf("job %q: %d jobs begin so: give more of the ID", name, len(found))
}

func (a *app) listJobs(ctx context.Context, s *job.Store, q job.Query) error {
	jobs, more, err := s.List(ctx, q)
	if err != nil {
		return err
	}
	t := term.NewTable(term.Column{Title: "ID"}, term.Column{Title: "STATE"}, term.Column{Title: "STEPS", Align: term.Right},
		term.Column{Title: "CREATED"}, term.Column{Title: "MODEL"})
	for _, j := range jobs {
		shown, err := finetune.Show(j, time.Now())
		if err != nil {
			return err
		}
		if a.JSON {
			if err := a.WriteJSON(shown); err != nil {
				return err
			}
			continue
		}
		model := "on " + shown.Model
		if shown.FineTunedModel != nil {
			model = *shown.FineTunedModel
		}
		t.Row(shown.ID, shown.Status, progressOf(j), j.CreatedAt.Local().Format(time.DateTime), model)
	}
	if a.JSON {
		return nil
	}
	if len(jobs) == 0 {
		_, err := fmt.Fprintln(a.Err, "no jobs")
		return err
	}
	if _, err := t.WriteTo(a.Out); err != nil {
		return err
	}
	if more {
		_, err = fmt.Fprintln(a.Err, "there are more: --limit")
	}
	return err
}

func progressOf(j job.Job) string {
	if j.Progress.Total == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", j.Progress.Done, j.Progress.Total)
}

// writeJob writes what a job is, as a table of its own or as JSON.
func (a *app) writeJob(j job.Job) error {
	shown, err := finetune.Show(j, time.Now())
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(shown)
	}
	t := term.NewTable(term.Column{}, term.Column{})
	t.Row("job", shown.ID)
	state := shown.Status
	if j.Reason != "" {
		state += ": " + j.Reason
	}
	t.Row("state", state)
	t.Row("base", shown.Model)
	if shown.FineTunedModel != nil {
		t.Row("model", *shown.FineTunedModel)
	}
	t.Row("files", strings.TrimSuffix(shown.TrainingFile+", "+orEmpty(shown.ValidationFile), ", "))
	h := shown.Hyper
	t.Row("recipe", fmt.Sprintf("%d epochs, batches of %d, learning rate times %g, seed %d", h.NEpochs, h.BatchSize, h.LearningRateMultiplier, shown.Seed))
	if p := progressOf(j); p != "" {
		t.Row("steps", p)
	}
	for _, at := range []struct {
		name string
		time time.Time
	}{{"created", j.CreatedAt}, {"started", j.StartedAt}, {"finished", j.FinishedAt}} {
		if !at.time.IsZero() {
			t.Row(at.name, at.time.Local().Format(time.DateTime))
		}
	}
	if shown.Estimated != nil {
		t.Row("expected", time.Unix(*shown.Estimated, 0).Format(time.DateTime))
	}
	_, err = t.WriteTo(a.Out)
	return err
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (a *app) showJob(ctx context.Context, s *job.Store, j job.Job) error {
	if err := a.writeJob(j); err != nil {
		return err
	}
	events, _, err := s.Events(ctx, j.ID, job.EventQuery{Newest: true})
	if err != nil || a.JSON {
		return err
	}
	if _, err := fmt.Fprintln(a.Out); err != nil {
		return err
	}
	for _, e := range slices.Backward(events) {
		if err := a.writeEvent(j.ID, e); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) writeEvent(id string, e job.Event) error {
	if a.JSON {
		return a.WriteJSON(finetune.ShowEvent(id, e))
	}
	level := ""
	if e.Level != job.LevelInfo {
		level = string(e.Level) + ": "
	}
	_, err := fmt.Fprintf(a.Out, "%s  %s%s\n", e.At.Local().Format(time.TimeOnly), level, e.Message)
	return err
}

// endedError says that a job that was watched did not succeed.
type endedError struct{ j job.Job }

func (e *endedError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("job %s%s has %s: %s", finetune.IDPrefix, e.j.ID, e.j.State, e.j.Reason), ": ")
}

// Code implements coder.
func (e *endedError) Code() string { return string(e.j.State) }

// watchJob writes events until the job is over.
func (a *app) watchJob(ctx context.Context, s *job.Store, j job.Job) error {
	const look = 300 * time.Millisecond // the server is another process
	tick := time.NewTicker(look)
	defer tick.Stop()
	var bar *term.Bar
	var last int64
	for {
		j, err := s.Get(ctx, j.ID)
		if err != nil {
			return err
		}
		events, more, err := s.Events(ctx, j.ID, job.EventQuery{After: last, Limit: 1000})
		if err != nil {
			return err
		}
		for _, e := range events {
			last = e.Number
			if err := a.writeEvent(j.ID, e); err != nil {
				return err
			}
			bar = a.drawStep(bar, e)
		}
		switch {
		case more:
			continue
		case j.State == job.Succeeded:
			return nil
		case j.State.Final():
			return &endedError{j}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// drawStep moves the bar to the step of an event, if it tells of one.
func (a *app) drawStep(bar *term.Bar, e job.Event) *term.Bar {
	var at struct {
		Step  int64   `json:"step"`
		Steps int64   `json:"total_steps"`
		Loss  float64 `json:"train_loss"`
	}
	if e.Kind != job.KindMetrics || json.Unmarshal(e.Data, &at) != nil || at.Steps == 0 {
		return bar
	}
	if bar == nil {
		bar = a.Progress.Bar("tune", at.Steps, term.Items("steps"))
	}
	bar.Note("loss %.3f", at.Loss)
	bar.Set(at.Step)
	if at.Step == at.Steps {
		bar.Done()
	}
	return bar
}
