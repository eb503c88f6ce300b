package finetune_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/lineage"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/finetune"
)

func ExampleFind() {
	_, err := finetune.Find("nowhere", "ft:starter:troika:helpdesk:abcdefgh")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output: true
}

// The flow of OpenAI's guide, with its own SDK: send files, create a job, poll it, look
// at its events and checkpoints, and ask the model.
func TestSDKFlow(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	f.work(t)
	ctx := t.Context()
	upload := func(text string) string {
		got, err := f.client.Files.New(ctx, openai.FileNewParams{File: strings.NewReader(text), Purpose: openai.FilePurposeFineTune})
		if err != nil {
			t.Fatal(err)
		}
		return got.ID
	}
	training, validation := upload(examples(0, 9)+examples(3, 1)), upload(examples(100, 3))
	made, err := f.client.FineTuning.Jobs.New(ctx, openai.FineTuningJobNewParams{
		Model: "starter", TrainingFile: training, ValidationFile: openai.String(validation),
		Suffix: openai.String("sums-v1"), Seed: openai.Int(7), Metadata: map[string]string{"team": "shop"},
		Integrations: []openai.FineTuningJobNewParamsIntegration{{Wandb: openai.FineTuningJobNewParamsIntegrationWandb{Project: "p"}}},
		Method: openai.FineTuningJobNewParamsMethod{
			Type: "supervised", Supervised: openai.SupervisedMethodParam{Hyperparameters: openai.SupervisedHyperparameters{
				NEpochs:                openai.SupervisedHyperparametersNEpochsUnion{OfInt: openai.Int(2)},
				BatchSize:              openai.SupervisedHyperparametersBatchSizeUnion{OfInt: openai.Int(4)},
				LearningRateMultiplier: openai.SupervisedHyperparametersLearningRateMultiplierUnion{OfAuto: "auto"},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.Object != "fine_tuning.job" || made.Model != "starter" || made.Seed != 7 || made.TrainingFile != training ||
		made.ValidationFile != validation || made.Metadata["team"] != "shop" || made.FineTunedModel != "" ||
		made.Method.Type != "supervised" || made.Method.Supervised.Hyperparameters.NEpochs.OfInt != 2 ||
		made.Hyperparameters.BatchSize.OfInt != 4 || made.Hyperparameters.LearningRateMultiplier.OfFloat != 1 || len(made.Integrations) != 1 {
		t.Errorf("made %s", made.RawJSON())
	}
	// What was accepted needs the files no more.
	for _, id := range []string{training, validation} {
		if _, err := f.client.Files.Delete(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	done := f.await(t, made.ID, "succeeded")
	name := done.FineTunedModel
	id := strings.TrimPrefix(made.ID, "ftjob-")
	if want := "ft:starter:troika:sums-v1:" + id[:8]; name != want || done.FinishedAt == 0 || len(done.ResultFiles) != 1 || done.TrainedTokens == 0 {
		t.Errorf("done %s, want the model %s", done.RawJSON(), want)
	}
	checkEvents(t, f, made.ID)
	checkCheckpoints(t, f, made.ID, name)
	checkResults(t, f, done)
	checkAnswers(t, f, made.ID, name)
	checkLineage(t, f, name)
}

// checkEvents reads the events in pages, newest first.
func checkEvents(t *testing.T, f *fixture, id string) {
	t.Helper()
	var said []string
	var losses int
	pages := f.client.FineTuning.Jobs.ListEventsAutoPaging(t.Context(), id, openai.FineTuningJobListEventsParams{Limit: openai.Int(3)})
	for pages.Next() {
		e := pages.Current()
		if e.Object != "fine_tuning.job.event" || !strings.HasPrefix(e.ID, "ftevent-") || e.CreatedAt == 0 {
			t.Errorf("event %s", e.RawJSON())
		}
		if e.Type == "metrics" {
			data := e.Data.(map[string]any)
			if data["train_loss"].(float64) <= 0 || data["total_steps"].(float64) != 5 {
				t.Errorf("metrics %v", data)
			}
			losses++
			continue
		}
		said = append(said, string(e.Level)+": "+e.Message)
	}
	if pages.Err() != nil || losses != 5 {
		t.Errorf("%d steps, %v", losses, pages.Err())
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{
		"info: the job is succeeded\n", "info: New fine-tuned model created: ft:starter", "info: Checkpoint created at step 3\n",
		"info: Fine-tuning job started\n", "warn: The integration \"wandb\" is accepted and does nothing",
		"warn: 1 examples repeat another of their file: lines 10 (as 4)\n", "info: Training file file-", ": 10 examples of ",
		"info: Validation file file-", "info: the job is queued",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("events lack %q:\n%s", want, all)
		}
	}
	if said[0] != "info: the job is succeeded" || said[len(said)-1] != "info: the job is queued" {
		t.Errorf("events are not newest first:\n%s", all)
	}
}

func checkCheckpoints(t *testing.T, f *fixture, id, name string) {
	t.Helper()
	var got []string
	pages := f.client.FineTuning.Jobs.Checkpoints.ListAutoPaging(t.Context(), id, openai.FineTuningJobCheckpointListParams{Limit: openai.Int(1)})
	for pages.Next() {
		c := pages.Current()
		got = append(got, fmt.Sprintf("%d %s", c.StepNumber, c.FineTunedModelCheckpoint))
		if c.FineTuningJobID != id || c.Metrics.FullValidLoss <= 0 || c.Metrics.TrainLoss <= 0 || c.Metrics.Step != float64(c.StepNumber) {
			t.Errorf("checkpoint %s", c.RawJSON())
		}
	}
	if want := fmt.Sprintf("5 %s|3 %s:ckpt-step-3", name, name); pages.Err() != nil || strings.Join(got, "|") != want {
		t.Errorf("checkpoints %q, %v, want %q", got, pages.Err(), want)
	}
}

func checkResults(t *testing.T, f *fixture, done *openai.FineTuningJob) {
	t.Helper()
	res, err := f.client.Files.Content(t.Context(), done.ResultFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || bytes.Count(b, []byte("\n")) != 6 || !bytes.HasPrefix(b, []byte("step,train_loss,valid_loss,learning_rate,tokens\n1,")) {
		t.Errorf("results %s, %v", b, err)
	}
	info, err := f.client.Files.Get(t.Context(), done.ResultFiles[0])
	if err != nil || info.Purpose != openai.FileObjectPurposeFineTuneResults || info.Filename != "step_metrics.csv" {
		t.Errorf("results are %s, %v", info.RawJSON(), err)
	}
}

// checkAnswers asks the tuned model and its checkpoint, and finds them in the list.
func checkAnswers(t *testing.T, f *fixture, id, name string) {
	t.Helper()
	for _, model := range []string{name, name + ":ckpt-step-3"} {
		got, err := f.client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{
			Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("What is 3 plus 21?")}, MaxTokens: openai.Int(4),
		})
		if err != nil || got.Model != model {
			t.Errorf("%s: %v", model, err)
		}
		m, err := f.client.Models.Get(t.Context(), model)
		if err != nil || m.OwnedBy != "troika" || !strings.Contains(m.RawJSON(), `"parent":"starter"`) {
			t.Errorf("model %s: %v", model, err)
		}
	}
	page, err := f.client.FineTuning.Jobs.List(t.Context(), openai.FineTuningJobListParams{Limit: openai.Int(1)})
	if err != nil || len(page.Data) != 1 || page.Data[0].ID != id || page.HasMore {
		t.Errorf("list %v, %v", page, err)
	}
}

// checkLineage finds what the adapter was made from, by the bytes of its weights.
func checkLineage(t *testing.T, f *fixture, name string) {
	t.Helper()
	dir, err := finetune.Find(filepath.Join(f.home, "tuned"), name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := f.lineage.Of(t.Context(), troika.Sum(b))
	if err != nil || len(records) != 1 || records[0].Kind != "adapter" {
		t.Fatalf("lineage %+v, %v", records, err)
	}
	inputs := map[string]lineage.Input{}
	for _, in := range records[0].Inputs {
		inputs[in.Role] = in
	}
	if _, err := f.datasets.Open(t.Context(), inputs["dataset"].Digest.String()); err != nil || inputs["base"].Digest.IsZero() {
		t.Errorf("inputs %+v, %v", records[0].Inputs, err)
	}
}

// Jobs are listed in pages and by their metadata.
func TestList(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	training := f.send(t, examples(0, 4))
	var ids []string
	for i := range 5 {
		metadata := []string{`{"team":"shop","n":"1"}`, `{"team":"clinic"}`, `{}`}[i%3]
		ids = append(ids, f.create(t, `{"model":"starter","training_file":"`+training+`","metadata":`+metadata+`}`))
	}
	for query, want := range map[string][]int{
		"":                                  {4, 3, 2, 1, 0},
		"limit=2":                           {4, 3},
		"after=" + ids[3]:                   {2, 1, 0},
		"metadata[team]=shop":               {3, 0},
		"metadata[team]=shop&limit=1":       {3},
		"metadata[team]=shop&metadata[n]=2": {},
		"metadata=null":                     {2},
	} {
		status, got := f.call(t, http.MethodGet, "/v1/fine_tuning/jobs?"+query, "")
		var list []string
		for _, j := range got["data"].([]any) {
			list = append(list, j.(map[string]any)["id"].(string))
		}
		var wanted []string
		for _, i := range want {
			wanted = append(wanted, ids[i])
		}
		if status != http.StatusOK || strings.Join(list, " ") != strings.Join(wanted, " ") {
			t.Errorf("%s: %v, want %v", query, list, wanted)
		}
		more := strings.Contains(query, "limit=2") || strings.Contains(query, "limit=1")
		if got["has_more"] != more {
			t.Errorf("%s: has_more is %v", query, got["has_more"])
		}
	}
	for _, query := range []string{"limit=0", "limit=101", "after=ftjob-x"} {
		if status, got := f.call(t, http.MethodGet, "/v1/fine_tuning/jobs?"+query, ""); status < 400 || status >= 500 {
			t.Errorf("%s: %d %v", query, status, got)
		}
	}
}

// The events of a job come as a stream, and go on after a broken connection.
func TestStream(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	training := f.send(t, examples(0, 6))
	id := f.create(t, `{"model":"starter","training_file":"`+training+`","hyperparameters":{"n_epochs":2,"batch_size":3}}`)
	open := func(last string) *bufio.Scanner {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/v1/fine_tuning/jobs/"+id+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Last-Event-ID", last)
		res, err := httpClient(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
			t.Errorf("the stream is %s", kind)
		}
		return bufio.NewScanner(res.Body)
	}
	lines := open("")
	read := func(lines *bufio.Scanner, until string) (ids []int) {
		for lines.Scan() {
			if number, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				n, err := strconv.Atoi(number)
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, n)
			}
			if strings.Contains(lines.Text(), until) {
				return ids
			}
		}
		t.Fatalf("the stream ended before %q: %v", until, lines.Err())
		return nil
	}
	first := read(lines, "3 examples: 4 steps") // before anything runs
	f.work(t)
	rest := read(lines, "data: [DONE]")
	all := append(first, rest...)
	for i, n := range all {
		if n != i+1 {
			t.Fatalf("events %v", all)
		}
	}
	if again := read(open(strconv.Itoa(len(first))), "data: [DONE]"); len(again) != len(rest) || again[0] != rest[0] {
		t.Errorf("after event %d came %v", len(first), again)
	}
}

// Requests need a key where the server has keys.
func TestKeys(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	key, secret, err := serve.NewKey("shop", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := serve.NewKeySet([]serve.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	f.url = f.listen(t, keys)
	training := f.send(t, examples(0, 4))
	for with, want := range map[string]bool{"wrong": false, secret: true} {
		c := f.newClient(t, with)
		made, err := c.FineTuning.Jobs.New(t.Context(), openai.FineTuningJobNewParams{Model: "starter", TrainingFile: training})
		if (err == nil) != want {
			t.Errorf("with key %s: %v", with, err)
		}
		if err != nil {
			continue
		}
		j, err := f.jobs.Get(t.Context(), strings.TrimPrefix(made.ID, "ftjob-"))
		if err != nil || j.Spec.Use.Party != "shop" {
			t.Errorf("job %+v, %v", j, err)
		}
		if got, err := c.FineTuning.Jobs.Cancel(t.Context(), made.ID); err != nil || got.Status != "cancelled" || !strings.Contains(got.RawJSON(), "cancelled with the key shop") {
			t.Errorf("cancelled: %v", err)
		}
	}
}
