package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/troikaml/troika/publish"
)

func newRollbackCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "rollback ALIAS",
		Short:   "Go back to the model that answered before",
		Example: `  troika rollback helpdesk`,
		Args:    wantArgs("an alias", 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAliases(cmd.Context(), func(ctx context.Context, aliases *publish.Aliases) error {
				return a.showAlias(aliases.Rollback(ctx, args[0]))
			})
		},
	}
}

func (a *app) showAlias(alias publish.Alias, err error) error {
	if err != nil {
		return err
	}
	if a.JSON {
		return a.WriteJSON(alias)
	}
	return a.aliasTable([]publish.Alias{alias})
}
