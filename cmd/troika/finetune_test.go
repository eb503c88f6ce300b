package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/train"
)

// sums returns examples of sums as a file of an SDK.
func sums(n int) io.Reader {
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, `{"messages":[{"role":"user","content":"What is %d plus %d?"},{"role":"assistant","content":"%d"}]}`+"\n", i, 7*i, 8*i)
	}
	return bytes.NewReader(b)
}

func sdk(url, key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0), option.WithHTTPClient(newClient()))
}

// tuningJob sends a file and creates a job of the given epochs on it.
func tuningJob(ctx context.Context, c *openai.Client, data io.Reader, epochs int64) (*openai.FineTuningJob, error) {
	f, err := c.Files.New(ctx, openai.FileNewParams{File: data, Purpose: openai.FilePurposeFineTune})
	if err != nil {
		return nil, err
	}
	return c.FineTuning.Jobs.New(ctx, openai.FineTuningJobNewParams{
		Model: starterName, TrainingFile: f.ID, Suffix: openai.String("sums"), Seed: openai.Int(5),
		Method: openai.FineTuningJobNewParamsMethod{Type: "supervised", Supervised: openai.SupervisedMethodParam{
			Hyperparameters: openai.SupervisedHyperparameters{
				NEpochs:   openai.SupervisedHyperparametersNEpochsUnion{OfInt: openai.Int(epochs)},
				BatchSize: openai.SupervisedHyperparametersBatchSizeUnion{OfInt: openai.Int(2)},
			},
		}},
	})
}

// awaitJob polls a job until it is in a state.
func awaitJob(ctx context.Context, c *openai.Client, id string, state openai.FineTuningJobStatus) (*openai.FineTuningJob, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		j, err := c.FineTuning.Jobs.Get(ctx, id)
		if err != nil || j.Status == state {
			return j, err
		}
		if j.Status == openai.FineTuningJobStatusFailed {
			return j, fmt.Errorf("the job failed: %s", j.RawJSON())
		}
		select {
		case <-ctx.Done():
			return j, fmt.Errorf("the job is %s, want %s", j.Status, state)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// While a job trains, answers keep flowing; then the tuned model answers, here and on
// the command line, also after the server starts again. Files, jobs and models ask for
// keys as answers do.
func TestTuneWhileServing(t *testing.T) {
	home := t.TempDir()
	command := func(args ...string) (string, int) {
		var out bytes.Buffer
		a := &app{In: strings.NewReader(""), Out: &out, Err: io.Discard, Getenv: os.Getenv}
		code := run(t.Context(), a, append(args, "--home", home))
		return strings.TrimSpace(out.String()), code
	}
	secret, code := command("keys", "create", "shop")
	if code != 0 {
		t.Fatal(code)
	}
	serving := func(do func(c openai.Client) error) {
		t.Helper()
		a := &app{Err: io.Discard, Getenv: os.Getenv, home: home}
		if err := a.setup(); err != nil {
			t.Fatal(err)
		}
		o := serveOptions{listen: "127.0.0.1:0", models: []string{starterName}, context: 256}
		err := a.serve(t.Context(), o, func(url string) error {
			stranger := sdk(url, "wrong")
			if _, err := stranger.FineTuning.Jobs.List(t.Context(), openai.FineTuningJobListParams{}); err == nil || !strings.Contains(err.Error(), "401") {
				return fmt.Errorf("a stranger lists jobs: %w", err)
			}
			if err := do(sdk(url, secret)); err != nil {
				return err
			}
			return errSeen
		})
		if !errors.Is(err, errSeen) {
			t.Fatal(err)
		}
	}
	ask := func(c openai.Client, model string) error {
		_, err := c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{
			Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("What is 2 plus 14?")}, MaxTokens: openai.Int(4),
		})
		return err
	}
	var tuned string
	serving(func(c openai.Client) error {
		j, err := tuningJob(t.Context(), &c, sums(30), 2)
		if err != nil {
			return err
		}
		var wg sync.WaitGroup
		var longest time.Duration
		answers, over := 0, make(chan struct{})
		wg.Go(func() {
			for {
				start := time.Now()
				if err := ask(c, starterName); err != nil {
					t.Error(err)
					return
				}
				answers, longest = answers+1, max(longest, time.Since(start))
				select {
				case <-over:
					return
				default:
				}
			}
		})
		j, err = awaitJob(t.Context(), &c, j.ID, openai.FineTuningJobStatusSucceeded)
		close(over)
		wg.Wait()
		if err != nil {
			return err
		}
		tuned = j.FineTunedModel
		t.Logf("%d answers while the job trained, the longest took %v", answers, longest)
		if answers < 10 || longest > 10*time.Second {
			t.Errorf("%d answers while the job trained, the longest took %v", answers, longest)
		}
		return ask(c, tuned)
	})
	serving(func(c openai.Client) error {
		if _, err := c.Models.Get(t.Context(), tuned); err != nil {
			return err
		}
		return errors.Join(ask(c, tuned), ask(c, tuned+":ckpt-step-15"))
	})
	if out, code := command("jobs", "list"); code != 0 || !strings.Contains(out, tuned) || !strings.Contains(out, "30/30") {
		t.Errorf("jobs list: %d\n%s", code, out)
	}
	if out, code := command("jobs", "watch", strings.TrimPrefix(tuned[strings.LastIndexByte(tuned, ':'):], ":")); code != 0 || !strings.Contains(out, "New fine-tuned model created: "+tuned) {
		t.Errorf("jobs watch: %d\n%s", code, out)
	}
	if out, code := command("logits", "--model", tuned, "--ids", "1"); code != 0 {
		t.Errorf("logits of the tuned model: %d\n%s", code, out)
	}
	if out, code := command("reproduce", tuned+":ckpt-step-15"); code != 0 || !strings.Contains(out, "15 steps") || !strings.Contains(out, "the same bits") {
		t.Errorf("the checkpoint made again: %d\n%s", code, out)
	}
	if _, err := os.Stat(filepath.Join(home, tunedFolder)); err != nil {
		t.Error(err)
	}
}

// Two servers on one home: the second refuses, whatever port it is given.
func TestSecondServerRefused(t *testing.T) {
	home := t.TempDir()
	server := func() (*app, serveOptions) {
		a := &app{Err: io.Discard, Getenv: os.Getenv, home: home}
		if err := a.setup(); err != nil {
			t.Fatal(err)
		}
		return a, serveOptions{listen: "127.0.0.1:0", models: []string{starterName}}
	}
	a, o := server()
	err := a.serve(t.Context(), o, func(url string) error {
		b, o := server()
		err := b.serve(t.Context(), o, func(string) error { return errors.New("the second server answers") })
		if err == nil || !strings.Contains(err.Error(), "another troika serve works in "+home) || !strings.Contains(err.Error(), "--home") {
			return fmt.Errorf("the second server: %w", err)
		}
		c := sdk(url, "any") // the first goes on
		if _, err := c.Files.List(t.Context(), openai.FileListParams{}); err != nil {
			return err
		}
		return errSeen
	})
	if !errors.Is(err, errSeen) {
		t.Fatal(err)
	}
	a, o = server()
	if err := a.serve(t.Context(), o, func(string) error { return errSeen }); !errors.Is(err, errSeen) {
		t.Errorf("after the first has ended: %v", err)
	}
}

// What jobs take is told only where there is the memory to try them.
func TestTimeWithinMemory(t *testing.T) {
	a := &app{}
	jobs := job.NewMemory(150)
	if _, err := jobs.Admit(t.Context(), job.Spec{Needs: job.Needs{Memory: 100}}); err != nil {
		t.Fatal(err)
	}
	// Nothing is there to be tried: that would panic.
	times, err := a.timeWithin(jobs)(t.Context(), nil, &train.Rehearsal{Weights: 60})
	if err != nil || times != (train.Times{}) || jobs.InUse() != 100 {
		t.Errorf("with 50 of 150 bytes left: %+v, %v, %d in use", times, err, jobs.InUse())
	}
	if availableMemory() == 0 {
		t.Skip("the system does not tell its memory")
	}
	times, err = a.timeWithin(nil)(t.Context(), nil, &train.Rehearsal{Weights: 1 << 60})
	if err != nil || times != (train.Times{}) {
		t.Errorf("beyond the machine's memory: %+v, %v", times, err)
	}
}
