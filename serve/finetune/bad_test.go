package finetune_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/job"
	"github.com/troikaml/troika/serve/file"
)

// jobs counts the jobs on record.
func (f *fixture) count(t *testing.T) int {
	t.Helper()
	jobs, _, err := f.jobs.List(t.Context(), job.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return len(jobs)
}

func TestBadRequests(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	training, other := f.send(t, examples(0, 4)), f.sendReader(t, strings.NewReader(examples(0, 4)), file.UserData)
	body := func(more string) string { return `{"model":"starter","training_file":"` + training + `"` + more + `}` }
	method := func(more string) string { return body(`,"method":` + more) }
	hyper := func(more string) string { return body(`,"hyperparameters":` + more) }
	for _, c := range []struct{ body, param, want string }{
		{`{`, "", "not valid JSON"},
		{`[]`, "", "must be a JSON object"},
		{`{}`, "model", "must provide a model"},
		{`{"model":"starter"}`, "training_file", "must provide a training_file"},
		{`{"model":"gpt","training_file":"` + training + `"}`, "model", "The model 'gpt' cannot be tuned"},
		{`{"model":"starter","training_file":"file-x"}`, "training_file", "No such File object: file-x"},
		{`{"model":"starter","training_file":"` + other + `"}`, "training_file", `with the purpose "user_data"`},
		{`{"model":"starter","training_file":7}`, "training_file", "Invalid type"},
		{body(`,"validation_file":"file-x"`), "validation_file", "No such File object: file-x"},
		{body(`,"validation_file":"` + training + `"`), "validation_file", "is the training file"},
		{body(`,"suffix":"a:b"`), "suffix", "letters, digits"},
		{body(`,"suffix":"` + strings.Repeat("a", 65) + `"`), "suffix", "at most 64"},
		{body(`,"seed":"one"`), "seed", "Invalid type"},
		{body(`,"metadata":{"a":1}`), "metadata", "Invalid type"},
		{body(`,"metadata":{"a":"` + strings.Repeat("x", 513) + `"}`), "metadata", "over 512"},
		{hyper(`{"n_epochs":0}`), "hyperparameters.n_epochs", "from 1 to 50"},
		{hyper(`{"n_epochs":1.5}`), "hyperparameters.n_epochs", "whole number"},
		{hyper(`{"n_epochs":"many"}`), "hyperparameters.n_epochs", `neither "auto" nor`},
		{hyper(`{"batch_size":257}`), "hyperparameters.batch_size", "from 1 to 256"},
		{hyper(`{"learning_rate_multiplier":-1}`), "hyperparameters.learning_rate_multiplier", "number from"},
		{hyper(`{"beta":0.1}`), "hyperparameters.beta", "of the method dpo"},
		{hyper(`7`), "hyperparameters", "Invalid type"},
		{method(`{"type":"dpo","dpo":{"hyperparameters":{"beta":3}}}`), "hyperparameters.beta", "from 1e-06 to 2"},
		{method(`{"type":"dpo"}`), "training_file", "line 1: one answer"},
		{method(`{"type":"reinforcement"}`), "method.type", "not offered"},
		{method(`{"type":"sft"}`), "method.type", "no method"},
		{method(`{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":0}}}`), "hyperparameters.n_epochs", "from 1 to 50"},
		{method(`{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":1}}},"hyperparameters":{"n_epochs":1}`), "hyperparameters", "both"},
	} {
		got := f.refused(t, c.body)
		param, _ := got["param"].(string)
		if text := got["message"].(string); !strings.Contains(text, c.want) || !strings.Contains(param, c.param) {
			t.Errorf("%s\ngave %q for %q, want %q for %q", c.body, text, param, c.want, c.param)
		}
	}
	pairs := make([]string, 17)
	for i := range pairs {
		pairs[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	if got := f.refused(t, body(`,"metadata":{`+strings.Join(pairs, ",")+`}`)); got["param"] != "metadata" {
		t.Errorf("17 pairs of metadata: %v", got)
	}
	for _, path := range []string{"", "/events", "/checkpoints"} {
		if status, got := f.call(t, http.MethodGet, "/v1/fine_tuning/jobs/ftjob-x"+path, ""); status != http.StatusNotFound || !strings.Contains(fmt.Sprint(got), "Could not find fine tune: ftjob-x") {
			t.Errorf("%s of no job: %d %v", path, status, got)
		}
	}
	if n := f.count(t); n != 0 {
		t.Errorf("refused requests left %d jobs", n)
	}
	id := f.create(t, body(`,"hyperparameters":{"n_epochs":"auto"},"integrations":null,"method":{"type":"supervised"}`))
	for _, path := range []string{"/events?after=ftevent-x-1", "/events?after=" + id, "/events?limit=0", "/checkpoints?after=1"} {
		if status, got := f.call(t, http.MethodGet, "/v1/fine_tuning/jobs/"+id+path, ""); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", path, status, got)
		}
	}
}

// Every bad line of a file is told, whatever is wrong with it, up to a hundred.
func TestBadLines(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	say := func(messages string) string { return `{"messages":[` + messages + `]}` }
	const ask, answer = `{"role":"user","content":"Hi"}`, `{"role":"assistant","content":"Ho"}`
	lines := []struct{ line, want string }{
		{say(ask + "," + answer), ""},
		{`{"messages":[`, "broken JSON"},
		{say(ask), "no assistant message"},
		{"", ""},
		{say(ask + `,{"role":"assistant","content":"Ho","weight":0}`), "weight 0"},
		{say(ask + `,{"role":"assistant","content":" "}`), "the assistant message is empty"},
		{say(`{"role":"robot","content":"Hi"},` + answer), `role "robot"`},
		{`{"text":"Hi","label":"x"}`, "not a chat"},
		{say(`{"role":"user","content":"` + strings.Repeat("word ", 3000) + `"},` + answer), "tokens are over the model's context of 1024"},
		{say(ask + "," + answer), ""},
		{"\xff", "not UTF-8"},
		{`{"messages":[]}`, `"messages" is empty`},
	}
	var text []byte
	for _, l := range lines {
		text = append(append(text, l.line...), '\n')
	}
	id := f.send(t, string(text))
	got := f.refused(t, `{"model":"starter","training_file":"`+id+`"}`)
	message := got["message"].(string)
	if got["code"] != "invalid_training_file" || got["param"] != "training_file" {
		t.Errorf("refused with %v", got)
	}
	details := got["details"].([]any)
	for i, l := range lines {
		told := strings.Contains(message, fmt.Sprintf("\nline %d: ", i+1))
		if told != (l.want != "") || !strings.Contains(message, l.want) {
			t.Errorf("line %d, want %q:\n%s", i+1, l.want, message)
		}
		if l.want == "" {
			continue
		}
		d := details[0].(map[string]any)
		details = details[1:]
		if d["line"] != float64(i+1) || !strings.Contains(d["message"].(string), l.want) {
			t.Errorf("detail %v, want line %d: %q", d, i+1, l.want)
		}
	}
	id = f.send(t, strings.Repeat("{}\n", 150)+examples(0, 3))
	message = f.refused(t, `{"model":"starter","training_file":"`+id+`"}`)["message"].(string)
	if n := strings.Count(message, "\nline "); n != 100 || !strings.Contains(message, "150 bad lines") || !strings.Contains(message, "... and 50 more") {
		t.Errorf("%d lines are listed:\n%s", n, message)
	}
	id = f.send(t, "\n\n")
	if message = f.refused(t, `{"model":"starter","training_file":"`+id+`"}`)["message"].(string); !strings.Contains(message, "holds no examples") {
		t.Errorf("a file of empty lines: %s", message)
	}
}

func TestOverlap(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	training, validation := f.send(t, examples(0, 6)), f.send(t, examples(10, 2)+strings.Replace(examples(4, 1), `"}]}`, ` "}]}`, 1)+"{}\n")
	got := f.refused(t, `{"model":"starter","training_file":"`+training+`","validation_file":"`+validation+`"}`)
	message := got["message"].(string)
	for _, want := range []string{"2 bad lines", "line 3: the same example is on line 5 of the training file", "line 4: "} {
		if !strings.Contains(message, want) {
			t.Errorf("want %q:\n%s", want, message)
		}
	}
	if got["code"] != "invalid_validation_file" || got["param"] != "validation_file" {
		t.Errorf("refused with %v", got)
	}
}

// changed returns a copy of the starter with other text in a file.
func changed(t *testing.T, name string, change func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(starterDir)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), []byte(change(string(b))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A template that leaves a turn out would teach an answer to another question.
func TestTemplateDropsTurn(t *testing.T) {
	base := changed(t, "chat_template.jinja", func(string) string {
		return `{%- for m in messages -%}{%- if m.role != 'system' -%}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endif -%}{%- endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}`
	})
	f := newFixture(t, base, nil)
	id := f.send(t, examples(0, 2)+`{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"}]}`+"\n")
	message := f.refused(t, `{"model":"starter","training_file":"`+id+`"}`)["message"].(string)
	if !strings.Contains(message, "line 3: the model's chat template drops message 1, of role system") || strings.Count(message, "line ") != 1 {
		t.Errorf("refused with %s", message)
	}
}

// A base that changed between the acceptance of a job and its run is refused, and so is
// a tuned model on it.
func TestBaseChanged(t *testing.T) {
	base := changed(t, "config.json", func(s string) string { return s })
	f := newFixture(t, base, nil)
	training := f.send(t, examples(0, 4))
	id := f.create(t, `{"model":"starter","training_file":"`+training+`"}`)
	config := filepath.Join(base, "config.json")
	b, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(config, append(b, '\n'), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.work(t)
	for {
		j, err := f.client.FineTuning.Jobs.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if j.Status == "failed" {
			if j.Error.Code != "base_changed" || !strings.Contains(j.Error.Message, "has changed since the job was accepted") {
				t.Errorf("failed with %s", j.RawJSON())
			}
			break
		}
		if j.Status == "succeeded" {
			t.Fatal("the job trained on another base")
		}
	}
	id = f.create(t, `{"model":"starter","training_file":"`+training+`","hyperparameters":{"n_epochs":1}}`)
	done := f.await(t, id, "succeeded")
	_, err = f.client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{
		Model: done.FineTunedModel, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hi")}, MaxTokens: openai.Int(1),
	})
	if err != nil {
		t.Errorf("on the base that it was tuned on: %v", err)
	}
}

// endless is a store of blobs that holds one: a JSONL file with a line of two gigabytes.
type endless struct{ size int64 }

func (endless) Put(_ context.Context, r io.Reader) (troika.Digest, int64, error) {
	n, err := io.Copy(io.Discard, r)
	return troika.Sum([]byte("endless")), n, err
}

func (e endless) Open(context.Context, troika.Digest) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader(examples(0, 1)+`{"messages":[{"role":"user","content":"`),
		io.LimitReader(letters{}, e.size), strings.NewReader("\n"+examples(1, 1)+"{}\n"))), nil
}

func (endless) Has(context.Context, troika.Digest) (bool, error) { return true, nil }
func (endless) Delete(context.Context, troika.Digest) error      { return nil }
func (endless) List(context.Context) iter.Seq2[troika.Digest, error] {
	return func(func(troika.Digest, error) bool) {}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte{'x'}, len(p)))
	return len(p), nil
}

// A line of two gigabytes is told as one bad line, and is never in memory.
func TestHugeLine(t *testing.T) {
	size := int64(2 << 30)
	if testing.Short() {
		size = 256 << 20
	}
	f := newFixture(t, starterDir, endless{size})
	id := f.send(t, "x")
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	message := f.refused(t, `{"model":"starter","training_file":"`+id+`"}`)["message"].(string)
	runtime.ReadMemStats(&after)
	if !strings.Contains(message, "line 2: line too long") || !strings.Contains(message, "line 4: ") || strings.Contains(message, "line 3: ") {
		t.Errorf("refused with %.500s", message)
	}
	if grew := int64(after.Sys) - int64(before.Sys); grew > 128<<20 {
		t.Errorf("the process grew by %d bytes", grew)
	}
}

// A request that is sent again under its key is one job.
func TestIdempotency(t *testing.T) {
	f := newFixture(t, starterDir, nil)
	training := f.send(t, examples(0, 4))
	post := func(suffix string) (int, string) {
		body := `{"model":"starter","training_file":"` + training + `","suffix":"` + suffix + `"}`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+"/v1/fine_tuning/jobs", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "once")
		res, err := httpClient(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	for range 3 {
		if status, got := post("a"); status != http.StatusOK {
			t.Fatal(status, got)
		}
	}
	if n := f.count(t); n != 1 {
		t.Errorf("%d jobs, want one", n)
	}
	if status, got := post("b"); status != http.StatusConflict {
		t.Errorf("another request under the key: %d %s", status, got)
	}
}
