package main

import (
	"context"
	"encoding/json"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/serve/finetune"
	"github.com/troikaml/troika/store/sqlite"
)

// submitJob NAME puts a job on record, as a server would, and its ID into a variable.
func submitJob(ts *testscript.TestScript, neg bool, args []string) {
	operands(ts, neg, args, 1, "job NAME")
	ctx := context.Background()
	db, err := sqlite.Open(ctx, filepath.Join(ts.Getenv("TROIKA_HOME"), databaseFile))
	ts.Check(err)
	defer db.Close()
	jobs, err := job.Open(ctx, db)
	ts.Check(err)
	recipe, err := json.Marshal(map[string]any{
		"base": starterName, "org": "troika", "suffix": args[0], "training_file": "file-x", "seed": 7,
		"hyperparameters": map[string]any{"n_epochs": 2, "batch_size": 3, "learning_rate_multiplier": 1},
	})
	ts.Check(err)
	j, err := jobs.Submit(ctx, "", job.Spec{
		Kind: finetune.Kind, Recipe: recipe, Inputs: []troika.Digest{troika.Sum([]byte("data")), troika.Sum([]byte("base"))},
	})
	ts.Check(err)
	ts.Setenv(args[0], finetune.IDPrefix+j.ID[:10])
}
