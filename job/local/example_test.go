package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/job/local"
	"github.com/troikaml/troika/store/sqlite"
)

// count is a handler: it counts, a step a number.
func count(ctx context.Context, run *job.Run) error {
	var recipe struct {
		To int64 `json:"to"`
	}
	if err := run.Recipe(&recipe); err != nil {
		return err
	}
	for n := int64(1); n <= recipe.To; n++ {
		if ctx.Err() != nil { // cancelled, paused, or the program stops
			return context.Cause(ctx)
		}
		run.Progress(n, recipe.To)
	}
	return run.SetResult(ctx, recipe)
}

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	db, err := sqlite.Open(ctx, filepath.Join(home, "troika.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	jobs, err := job.Open(ctx, db)
	if err != nil {
		fmt.Println(err)
		return
	}
	runner, err := local.Open(ctx, local.Options{
		Dir: home, Store: jobs, Handlers: map[string]job.Handler{"count": count},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer runner.Close()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		runner.Run(ctx)
	}()

	j, err := jobs.Submit(ctx, "", job.Spec{Kind: "count", Recipe: json.RawMessage(`{"to": 1000}`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for !j.State.Final() {
		changed := jobs.Changed()
		if j, err = jobs.Get(ctx, j.ID); err != nil {
			fmt.Println(err)
			return
		}
		if !j.State.Final() {
			<-changed
		}
	}
	fmt.Println(j.State, j.Progress.Done, string(j.Result))
	stop()
	<-stopped
	// Output: succeeded 1000 {"to":1000}
}
