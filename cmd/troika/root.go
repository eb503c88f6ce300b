package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"
)

// verbs is every verb there is: one line each, in the order of a first walk.
var verbs = []func(*app) *cobra.Command{
	newQuickstartCmd,
	newRefineCmd,
	newDataCmd,
	newPullCmd,
	newConvertCmd,
	newQuantizeCmd,
	newPlanCmd,
	newTuneCmd,
	newReproduceCmd,
	newMergeCmd,
	newEvalCmd,
	newPublishCmd,
	newCanaryCmd,
	newRollbackCmd,
	newRebaseCmd,
	newReleasesCmd,
	newServeCmd,
	newJobsCmd,
	newKeysCmd,
	newChatCmd,
	newTokenizeCmd,
	newLogitsCmd,
	newBenchCmd,
	newTrainTokenizerCmd,
	newPretrainCmd,
	newVersionCmd,
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if a.Progress != nil {
		a.Progress.Close()
	}
	if err != nil && !a.started {
		err = asUsage(a, err, args)
	}
	return a.report(err)
}

// newRoot returns the command tree with the global flags.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "troika",
		Short: "From raw documents to a tuned, measured and served model, on one machine",
		Example: `  troika quickstart
  troika version --json`,
		Args:                       cobra.ArbitraryArgs,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		PersistentPreRunE:          func(*cobra.Command, []string) error { return a.setup() },
		RunE:                       helpOrUnknown,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.home, "home", "", "folder that holds everything (default $TROIKA_HOME, else troika in the user's data folder)")
	flags.IntVar(&a.Threads, "threads", 0, "threads to compute with (default all cores)")
	flags.BoolVar(&a.JSON, "json", false, "write results, logs and errors as JSON, one value a line")
	flags.CountVarP(&a.verbose, "verbose", "v", "log more; twice for debugging")
	root.SetHelpFunc(styledHelp)
	for _, verb := range verbs {
		root.AddCommand(prepared(a, verb(a)))
	}
	return root
}

// prepared marks the moment a verb's own code begins, here and in its
// subcommands: an error before that is about the command line. A verb takes no
// arguments unless its Args say so, and one that only groups others refuses a
// name it does not know.
func prepared(a *app, cmd *cobra.Command) *cobra.Command {
	if own := cmd.RunE; own != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return own(cmd, args)
		}
		if cmd.Args == nil {
			cmd.Args = noArgs
		}
	} else {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = helpOrUnknown
	}
	for _, sub := range cmd.Commands() {
		prepared(a, sub)
	}
	return cmd
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}

// helpOrUnknown is what a command does that only groups others.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("no verb %q, but %s", args[0], strings.Join(near, ", "))
	}
	return usagef("no verb %q", args[0])
}

// asUsage makes err, found before a verb began, a usage error that points to
// the help. --json is looked up in the raw arguments, since they may not have
// been parsed that far.
func asUsage(a *app, err error, args []string) error {
	a.JSON = a.JSON || slices.Contains(args, "--json")
	cmd, _, findErr := newRoot(&app{}).Find(args)
	path := "troika"
	if findErr == nil && cmd != nil {
		path = cmd.CommandPath()
	}
	if _, ok := errors.AsType[*usageError](err); !ok {
		err = &usageError{err}
	}
	return fmt.Errorf("%w; see: %s --help", err, path)
}

// styledHelp shows a command's help through fang. fang is entered here alone:
// its own error handling asks the terminal for its colours on every failure,
// and its signal handling and exit codes are not ours.
func styledHelp(cmd *cobra.Command, _ []string) {
	root := cmd.Root()
	path := strings.Fields(cmd.CommandPath())[1:]
	root.SetArgs(append(path, "--help"))
	err := fang.Execute(cmd.Context(), root,
		fang.WithoutManpage(), fang.WithoutVersion(), fang.WithColorSchemeFunc(fang.AnsiColorScheme))
	if err != nil {
		_, _ = fmt.Fprintf(root.ErrOrStderr(), "troika: show help: %v\n", err)
	}
}
