package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troikaml/troika/meter"
)

// load is what the clients know together.
type load struct {
	host   string
	client *http.Client

	answers map[string]answer // by the body of the request; not changed once recorded
	bodies  []question        // in a fixed order

	mu     sync.Mutex
	events map[string]meter.Event // by the completion's id
	usages map[string]usage       // of whole answers, by the same
	counts map[string]int
	errs   []error
}

type question struct{ path, body string }

// answer is what a request must give, however the server is loaded.
type answer struct {
	choices string
	usage   usage
}

type usage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
}

// emit keeps the usage events.
func (l *load) emit(_ context.Context, e meter.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		l.events = map[string]meter.Event{}
	}
	if _, twice := l.events[e.ID]; twice {
		l.errs = append(l.errs, fmt.Errorf("two usage events for %s", e.ID))
	}
	l.events[e.ID] = e
	return e.Check()
}

const (
	chats       = "/v1/chat/completions"
	completions = "/v1/completions"
)

// questions returns requests whose answers are fixed: greedy, or drawn with a seed.
func questions() []question {
	var out []question
	add := func(path string, body map[string]any) {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		out = append(out, question{path, string(b)})
	}
	user := func(text string) []any { return []any{map[string]any{"role": "user", "content": text}} }
	schema := map[string]any{
		"type": "object", "required": []string{"kind", "n"}, "additionalProperties": false,
		"properties": map[string]any{"kind": map[string]any{"enum": []string{"bug", "praise"}}, "n": map[string]any{"type": "integer", "minimum": 0, "maximum": 99}},
	}
	for i, model := range append([]string{"starter"}, adapters...) {
		for j, text := range []string{"What is a slice?", "木头是什么?", strings.Repeat("How do I open a file? ", 8)} {
			add(chats, map[string]any{"model": model, "messages": user(text), "temperature": 0, "max_tokens": 6 + 5*j})
			add(chats, map[string]any{"model": model, "messages": user(text), "temperature": 1.1, "top_p": 0.9, "seed": 10*i + j, "max_tokens": 8})
			add(completions, map[string]any{"model": model, "prompt": text, "echo": true, "logprobs": 2, "max_tokens": 1, "temperature": 0})
		}
		add(completions, map[string]any{"model": model, "prompt": []string{"One", "Two", "Three"}, "max_tokens": 5, "temperature": 0, "stop": []string{"."}})
		add(chats, map[string]any{
			"model": model, "messages": user("File this."), "temperature": 1, "seed": i, "max_tokens": 60,
			"response_format": map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "x", "schema": schema}},
		})
		add(chats, map[string]any{
			"model": model, "messages": user("Call it."), "temperature": 1, "seed": i, "max_tokens": 80, "tool_choice": "required", "parallel_tool_calls": false,
			"tools": []any{map[string]any{"type": "function", "function": map[string]any{"name": "file", "parameters": schema}}},
		})
	}
	return out
}

// record asks each question once, with nothing beside it.
func (l *load) record(ctx context.Context) error {
	l.usages, l.counts = map[string]usage{}, map[string]int{}
	l.bodies = questions()
	for _, q := range l.bodies {
		a, status, err := l.ask(ctx, q)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("%s %s: status %d, %w", q.path, q.body, status, err)
		}
		l.answers[q.body] = a
	}
	return nil
}

// ask puts a question and reads the whole answer.
func (l *load) ask(ctx context.Context, q question) (a answer, status int, err error) {
	res, err := l.post(ctx, q)
	if err != nil {
		return a, 0, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var body struct {
		ID      string
		Choices json.RawMessage
		Usage   usage
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		return a, res.StatusCode, err
	}
	if res.StatusCode == http.StatusOK {
		l.mu.Lock()
		l.usages[body.ID] = body.Usage
		l.mu.Unlock()
	}
	return answer{withoutIDs(body.Choices), body.Usage}, res.StatusCode, nil
}

// withoutIDs leaves the ids of calls out of choices: they differ.
func withoutIDs(choices json.RawMessage) string {
	var list []map[string]any
	if json.Unmarshal(choices, &list) != nil {
		return string(choices)
	}
	for _, c := range list {
		message, _ := c["message"].(map[string]any)
		calls, _ := message["tool_calls"].([]any)
		for _, call := range calls {
			if call, ok := call.(map[string]any); ok {
				delete(call, "id")
			}
		}
	}
	b, _ := json.Marshal(list) // it was JSON before
	return string(b)
}

func (l *load) post(ctx context.Context, q question) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.host+q.path, strings.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return l.client.Do(req)
}

// run loads the server from all sides until the time is over.
func (l *load) run(ctx context.Context, length time.Duration, clients int) error {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	acts := []struct {
		name  string
		times int // of the sum of all
		do    func(context.Context, *rand.Rand) error
	}{
		{"whole", 10, l.whole},
		{"streamed", 6, l.streamed},
		{"left", 3, l.left},
		{"slow", 1, l.slow},
		{"refused", 4, l.refused},
		{"idle", 1, l.idle},
		{"looked", 1, l.look},
	}
	var names []int
	for i, a := range acts {
		names = append(names, slices.Repeat([]int{i}, a.times)...)
	}
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for ctx.Err() == nil {
				act := acts[names[r.IntN(len(names))]]
				err := act.do(ctx, r)
				l.note(ctx, act.name, err)
			}
		})
	}
	first, most := l.watch(ctx)
	group.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Printf("requests %v, heap %d MB at first and at most %d MB\n", l.counts, first>>20, most>>20)
	const room = 192 << 20
	if most > first+room {
		l.errs = append(l.errs, fmt.Errorf("the heap grew from %d to %d bytes", first, most))
	}
	return errors.Join(l.errs...)
}

// watch measures the heap from when the load is there to its end.
func (l *load) watch(ctx context.Context) (first, most int64) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return first, most
		case <-tick.C:
		}
		now := heap()
		if first == 0 {
			first = now
		}
		most = max(most, now)
	}
}

// note counts what was done. What failed because the time is over is no fault.
func (l *load) note(ctx context.Context, name string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case errors.Is(err, errBusy):
		l.counts["busy"]++
	case err == nil:
		l.counts[name]++
	case ctx.Err() == nil && len(l.errs) < 20:
		l.errs = append(l.errs, fmt.Errorf("%s: %w", name, err))
	}
}

// errBusy says that the server had no room, which it may say.
var errBusy = errors.New("the server is busy")

func (l *load) pick(r *rand.Rand) question { return l.bodies[r.IntN(len(l.bodies))] }

// whole asks a question whose answer is known.
func (l *load) whole(ctx context.Context, r *rand.Rand) error {
	q := l.pick(r)
	a, status, err := l.ask(ctx, q)
	switch {
	case err != nil:
		return err
	case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
		return errBusy
	case status != http.StatusOK:
		return fmt.Errorf("status %d for %s", status, q.body)
	case a != l.answers[q.body]:
		return fmt.Errorf("the answer to %s is\n%+v, alone it was\n%+v", q.body, a, l.answers[q.body])
	}
	return nil
}

// chunk is an event of a stream.
type chunk struct {
	ID      string
	Choices []struct {
		Index int
		Text  string
		Delta struct {
			Content   string
			ToolCalls []struct {
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
	}
	Usage *usage
	Error *struct{ Message string }
}

// text is what a choice says, its calls included.
func (a answer) text(index int) string {
	var list []struct {
		Text    string
		Message struct {
			Content   string
			ToolCalls []struct {
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
	}
	if json.Unmarshal([]byte(a.choices), &list) != nil || index >= len(list) {
		return ""
	}
	var text strings.Builder
	text.WriteString(list[index].Text + list[index].Message.Content)
	for _, c := range list[index].Message.ToolCalls {
		text.WriteString(c.Function.Name + c.Function.Arguments)
	}
	return text.String()
}

// stream begins a stream; where leave is positive, it ends after so many events.
func (l *load) stream(ctx context.Context, q question, leave int) (texts map[int]string, u *usage, id string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q.body = strings.TrimSuffix(q.body, "}") + `,"stream":true,"stream_options":{"include_usage":true}}`
	res, err := l.post(ctx, q)
	if err != nil {
		return nil, nil, "", err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return nil, nil, "", errBusy
	default:
		return nil, nil, "", fmt.Errorf("status %d for a stream of %s", res.StatusCode, q.body)
	}
	texts = map[int]string{}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for events := 0; lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return nil, nil, "", err
		}
		if c.Error != nil {
			return nil, nil, "", errors.New(c.Error.Message)
		}
		id = c.ID
		for _, choice := range c.Choices {
			texts[choice.Index] += choice.Text + choice.Delta.Content
			for _, call := range choice.Delta.ToolCalls {
				texts[choice.Index] += call.Function.Name + call.Function.Arguments
			}
		}
		if c.Usage != nil {
			u = c.Usage
		}
		if events++; leave > 0 && events == leave {
			return texts, nil, id, nil
		}
	}
	return texts, u, id, lines.Err()
}

// streamed reads a whole stream, which says what the whole answer says.
func (l *load) streamed(ctx context.Context, r *rand.Rand) error {
	q := l.pick(r)
	texts, u, id, err := l.stream(ctx, q, 0)
	if err != nil {
		return err
	}
	want := l.answers[q.body]
	for i, text := range texts {
		if text != want.text(i) {
			return fmt.Errorf("choice %d of the stream of %s is %q, alone it was %q", i, q.body, text, want.text(i))
		}
	}
	if u == nil || *u != want.usage {
		return fmt.Errorf("the usage of the stream of %s is %v, alone it was %v", q.body, u, want.usage)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.usages[id] = *u
	return nil
}

// left goes away in the middle of a long answer.
func (l *load) left(ctx context.Context, r *rand.Rand) error {
	body := fmt.Sprintf(`{"model":"starter","temperature":1.5,"seed":%d,"max_tokens":300,"messages":[{"role":"user","content":"Tell me of Go."}]}`, r.IntN(1e6))
	_, _, _, err := l.stream(ctx, question{chats, body}, 1+r.IntN(6))
	return err
}

// slow reads a byte of a long answer now and then, and leaves.
func (l *load) slow(ctx context.Context, r *rand.Rand) error {
	body := `{"model":"first","temperature":1.5,"max_tokens":200,"stream":true,"messages":[{"role":"user","content":"Tell me of Go."}]}`
	res, err := l.post(ctx, question{chats, body})
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it is left
	one := make([]byte, 1)
	for range 10 + r.IntN(20) {
		if _, err := res.Body.Read(one); err != nil {
			return nil // the server may cut it off
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// bad is what must be refused, with its status.
var bad = []struct {
	path, body string
	status     int
}{
	{chats, `{"model":"starter","messages":[{"role":"user","content":"` + strings.Repeat("word ", 2000) + `"}]}`, 400},
	{completions, `{"model":"starter","prompt":"` + strings.Repeat("word ", 2000) + `"}`, 400},
	{chats, `{"model":"starter","messages":[{"role":"user","content":"` + strings.Repeat("x", 300<<10) + `"}]}`, 413},
	{chats, `{"model":"starter","messages":[{"role":"user","content":"x"}],"stop":[""]}`, 400},
	{chats, `{"model":"starter","messages":[{"role":"user","content":"x"}],"stop":[1]}`, 400},
	{chats, `{"model":"none","messages":[{"role":"user","content":"x"}]}`, 404},
	{chats, `{"model":"starter","messages":[{"role":"user","content":"x"`, 400},
	{chats, `{"model":"starter","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"not":{}}}}}`, 400},
	{chats, `{"model":"starter","messages":[{"role":"user","content":"x"}],"tool_choice":"required"}`, 400},
	{"/v1/embeddings", `{"model":"starter","input":"x"}`, 400},
}

// refused sends what must be refused.
func (l *load) refused(ctx context.Context, r *rand.Rand) error {
	b := bad[r.IntN(len(bad))]
	res, err := l.post(ctx, question{b.path, b.body})
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusTooManyRequests:
		return errBusy
	case res.StatusCode != b.status || !bytes.Contains(text, []byte(`"message"`)):
		return fmt.Errorf("status %d for %.80s: %.200s", res.StatusCode, b.body, text)
	}
	return nil
}

// idle opens connections that say nothing or half a request, and drops them.
func (l *load) idle(ctx context.Context, r *rand.Rand) error {
	var d net.Dialer
	for range 20 {
		conn, err := d.DialContext(ctx, "tcp", l.host)
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // it is dropped
		if r.IntN(2) == 0 {
			if _, err := io.WriteString(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\nContent-Type: application/json\r\n\r\n{"); err != nil {
				return err
			}
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(200 * time.Millisecond):
	}
	return nil
}

// look reads what does not ask a model.
func (l *load) look(ctx context.Context, r *rand.Rand) error {
	text, err := l.get(ctx, []string{"/metrics", "/v1/models", "/healthz"}[r.IntN(3)])
	if err == nil && text == "" {
		err = errors.New("nothing to see")
	}
	return err
}

func (l *load) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.host+path, nil)
	if err != nil {
		return "", err
	}
	res, err := l.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return string(text), err
}
