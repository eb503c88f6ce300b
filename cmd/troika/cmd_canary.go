package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/publish"
)

func newCanaryCmd(a *app) *cobra.Command {
	var o gateOptions
	var share string
	var end bool
	cmd := &cobra.Command{
		Use:   "canary ALIAS MODEL --share 10% --data TEST",
		Short: "Give a model on trial a share of the requests to a name",
		Long: `Give a model on trial a share of the requests to a name.

The model is measured as publish does it; it must not be worse than the one that answers
by more than the margin says (below 0 to allow some). Which requests it gets follows from
their ids. The model that answered is named in each response. A trial ends with publish,
with another trial, with rollback or with --end.`,
		Example: `  troika canary helpdesk tickets-v3 --share 10% --data test.jsonl
  troika canary helpdesk --end`,
		Args: func(_ *cobra.Command, args []string) error {
			if want := 2; end && len(args) != 1 || !end && len(args) != want {
				return usagef("want an alias and a model, or an alias and --end")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAliases(cmd.Context(), func(ctx context.Context, aliases *publish.Aliases) error {
				if end {
					return a.showAlias(aliases.EndTrial(ctx, args[0]))
				}
				if o.data == "" {
					return usagef("--data is missing: a trial needs test conversations")
				}
				part, err := parseShare(share)
				if err != nil {
					return err
				}
				return a.try(ctx, aliases, args[0], args[1], o, part)
			})
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&share, "share", "10%", "share of the requests, such as 10% or 0.1")
	cmd.Flags().BoolVar(&end, "end", false, "end the trial under way")
	return cmd
}

func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	share, err := strconv.ParseFloat(number, 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share > 0 && share < 1) {
		return 0, usagef("--share %s: want more than 0%% and less than 100%%", text)
	}
	return share, nil
}

func (a *app) try(ctx context.Context, aliases *publish.Aliases, alias, model string, o gateOptions, share float64) error {
	return a.judge(ctx, aliases, alias, model, o, func(r publish.Release) error {
		r, err := aliases.Try(ctx, r, share)
		if err != nil {
			return err
		}
		return a.showRelease(&r, "%s answers %.4g %% of the requests to %s, release %d\n", r.Model, 100*share, r.Alias, r.Number)
	})
}
