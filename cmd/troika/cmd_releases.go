package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/publish"
)

func newReleasesCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "releases [ALIAS]",
		Short: "List what is published, or the releases of one name",
		Example: `  troika releases
  troika releases helpdesk --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAliases(cmd.Context(), func(ctx context.Context, aliases *publish.Aliases) error {
				if len(args) == 0 {
					return a.listAliases(ctx, aliases)
				}
				return a.listReleases(ctx, aliases, args[0])
			})
		},
	}
}

func (a *app) listAliases(ctx context.Context, aliases *publish.Aliases) error {
	all, err := aliases.List(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string][]publish.Alias{"aliases": append([]publish.Alias{}, all...)})
	}
	return a.aliasTable(all)
}

func (a *app) aliasTable(all []publish.Alias) error {
	t := term.NewTable(
		term.Column{Title: "alias"}, term.Column{Title: "answers"}, term.Column{Title: "release", Align: term.Right},
		term.Column{Title: "on trial"}, term.Column{Title: "share", Align: term.Right}, term.Column{Title: "since"},
	)
	for _, one := range all {
		answers, number, trial, share := "-", "-", "-", "-"
		if r := one.Current; r != nil {
			answers, number = r.Model, strconv.FormatInt(r.Number, 10)
		}
		if r := one.Canary; r != nil {
			trial, share = r.Model, fmt.Sprintf("%.4g %%", 100*one.Share)
		}
		t.Row(one.Name, answers, number, trial, share, one.Updated.Local().Format("2006-01-02 15:04"))
	}
	_, err := t.WriteTo(a.Out)
	return err
}

func (a *app) listReleases(ctx context.Context, aliases *publish.Aliases, name string) error {
	now, err := aliases.Get(ctx, name)
	if err != nil {
		return err
	}
	all, err := aliases.Releases(ctx, name)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(map[string]any{"alias": now, "releases": all})
	}
	t := term.NewTable(
		term.Column{Title: "release", Align: term.Right}, term.Column{Title: "model"}, term.Column{Title: "state"},
		term.Column{Title: "metric"}, term.Column{Title: "value", Align: term.Right},
		term.Column{Title: "before", Align: term.Right}, term.Column{Title: "difference [95 %]"}, term.Column{Title: "since"},
	)
	for i := range all {
		r := &all[i]
		state := ""
		switch {
		case now.Current != nil && now.Current.Number == r.Number:
			state = "answers"
		case now.Canary != nil && now.Canary.Number == r.Number:
			state = "on trial"
		}
		if r.Verdict.Forced {
			state = strings.TrimSpace(state + " forced")
		}
		v := &r.Verdict
		t.Row(strconv.FormatInt(r.Number, 10), r.Model, state, string(v.Metric), fmt.Sprintf("%.3f", v.Candidate),
			fmt.Sprintf("%.3f", v.Before), fmt.Sprintf("%+.3f [%+.3f, %+.3f]", v.Difference.Value, v.Difference.Interval[0], v.Difference.Interval[1]),
			r.Created.Local().Format("2006-01-02 15:04"))
	}
	_, err = t.WriteTo(a.Out)
	return err
}
