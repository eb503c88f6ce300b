package job_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/store/sqlite"
)

// A client submits twice, as after a broken connection; a worker that slept
// finds that another one has taken over.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "job")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, filepath.Join(dir, "troika.db"))
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
	spec := job.Spec{Kind: "train", Recipe: json.RawMessage(`{"epochs": 3}`)}
	first, err := jobs.Submit(ctx, "request-1", spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := jobs.Submit(ctx, "request-1", spec)
	fmt.Println(again.ID == first.ID, again.State, err)

	slow, err := jobs.Acquire(ctx, first.ID, "worker-a", time.Microsecond)
	if err != nil {
		fmt.Println(err)
		return
	}
	<-time.After(time.Millisecond)
	if _, err := jobs.Reclaim(ctx, ""); err != nil {
		fmt.Println(err)
		return
	}
	quick, err := jobs.Acquire(ctx, first.ID, "worker-b", time.Minute)
	fmt.Println(quick.State, quick.Lease.Token, err)
	err = jobs.SetResult(ctx, slow.Lease, json.RawMessage(`{}`))
	fmt.Println(err != nil)

	done, err := jobs.End(ctx, quick.Lease, job.Progress{Done: 3, Total: 3}, job.Ending{State: job.Succeeded})
	fmt.Println(done.State, err)
	// Output:
	// true queued <nil>
	// running 2 <nil>
	// true
	// succeeded <nil>
}
