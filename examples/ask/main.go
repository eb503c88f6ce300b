package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/troikaml/troika/internal/term"
)

// question is a request to a model.
type question struct {
	model, path string
	body        map[string]any
	right       string // "" where nothing is right or wrong
}

func main() {
	home := flag.String("home", ".cache/examples", "home of the examples")
	url := flag.String("url", "http://127.0.0.1:8080", "address of the server")
	flag.Parse()
	if err := run(*home, *url, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "ask:", err)
		os.Exit(1)
	}
}

func run(home, url string, out io.Writer) error {
	served, err := models(url)
	if err != nil {
		return err
	}
	t := term.NewTable(term.Column{Title: "model"}, term.Column{Title: "answer"}, term.Column{Title: "right"})
	asked := 0
	for _, ask := range []func(home string) (question, error){tools, completion, helpdesk, translation, preference} {
		q, err := ask(home)
		if errors.Is(err, os.ErrNotExist) {
			continue // the example was not run
		}
		if err != nil {
			return err
		}
		if !served[q.model] {
			continue
		}
		answer, err := post(url+q.path, q.body)
		if err != nil {
			return fmt.Errorf("%s: %w", q.model, err)
		}
		t.Row(q.model, short(answer), short(q.right))
		asked++
	}
	if asked == 0 {
		return fmt.Errorf("%s serves no model of an example that was run in %s", url, home)
	}
	_, err = fmt.Fprint(out, t.String())
	return err
}

// short is the beginning of a text, on one line.
func short(s string) string {
	const most = 60
	runes := []rune(strings.Join(strings.Fields(s), " "))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

// models returns the names that the server answers to.
func models(url string) (map[string]bool, error) {
	res, err := http.Get(url + "/v1/models") //nolint:noctx // a command that ends with it
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var list struct{ Data []struct{ ID string } }
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	names := map[string]bool{}
	for _, m := range list.Data {
		names[m.ID] = true
	}
	return names, nil
}

// post returns the answer to a request: its text, or its calls of tools.
func post(url string, body map[string]any) (string, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	res, err := http.Post(url, "application/json", bytes.NewReader(b)) //nolint:noctx // as above
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return "", fmt.Errorf("%s: %s", res.Status, text)
	}
	var whole struct {
		Choices []struct {
			Text    string
			Message answer
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&whole); err != nil {
		return "", err
	}
	if len(whole.Choices) != 1 {
		return "", fmt.Errorf("%d choices, want 1", len(whole.Choices))
	}
	return whole.Choices[0].Text + whole.Choices[0].Message.String(), nil
}

// answer is a message of the assistant.
type answer struct {
	Content string
	Calls   []struct {
		Function struct{ Name, Arguments string }
	} `json:"tool_calls"`
}

// String returns the text and the calls of tools.
func (a answer) String() string {
	var b strings.Builder
	b.WriteString(a.Content)
	for _, c := range a.Calls {
		b.WriteString(c.Function.Name + c.Function.Arguments)
	}
	return b.String()
}

// line is what counts of a test example.
type line struct {
	Text     string            `json:"text"`
	Messages []json.RawMessage `json:"messages"`
	Tools    json.RawMessage   `json:"tools"`
	Input    struct {
		Messages []json.RawMessage `json:"messages"`
	} `json:"input"`
	Preferred []json.RawMessage `json:"preferred_output"`
}

// test returns the first test example of an example.
func test(home, name string) (line, error) {
	f, err := os.Open(filepath.Join(home, "data", name, "test.jsonl"))
	if err != nil {
		return line{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	var l line
	err = json.NewDecoder(bufio.NewReader(f)).Decode(&l)
	return l, err
}

// chat asks for the answer that comes after the messages.
func chat(model string, messages []json.RawMessage, right json.RawMessage) (question, error) {
	var m answer
	if err := json.Unmarshal(right, &m); err != nil {
		return question{}, err
	}
	return question{
		model: model, path: "/v1/chat/completions", right: m.String(),
		body: map[string]any{"model": model, "messages": messages, "temperature": 0, "max_tokens": 64},
	}, nil
}

func tools(home string) (question, error) {
	const name = "chat-tools"
	l, err := test(home, name)
	if err != nil || len(l.Messages) < 2 {
		return question{}, errors.Join(err, broken(l.Messages, name))
	}
	q, err := chat(name, l.Messages[:1], l.Messages[1])
	if err == nil {
		q.body["tools"] = l.Tools
	}
	return q, err
}

func translation(home string) (question, error) {
	const name = "translation"
	l, err := test(home, name)
	if err != nil || len(l.Messages) < 2 {
		return question{}, errors.Join(err, broken(l.Messages, name))
	}
	return chat(name, l.Messages[:1], l.Messages[1])
}

func preference(home string) (question, error) {
	const name = "preference"
	l, err := test(home, name)
	if err != nil || len(l.Preferred) < 1 {
		return question{}, errors.Join(err, broken(l.Preferred, name))
	}
	return chat(name, l.Input.Messages, l.Preferred[0])
}

// broken says what is wrong with an example that was read and has no answer.
func broken(messages []json.RawMessage, name string) error {
	if len(messages) > 0 {
		return fmt.Errorf("the first test example of %s has no answer", name)
	}
	return nil
}

func completion(home string) (question, error) {
	const name = "completion"
	l, err := test(home, name)
	if err != nil {
		return question{}, err
	}
	// The name of the tune and the first verse.
	lines := strings.SplitN(l.Text, "\n", 3)
	if len(lines) < 3 {
		return question{}, fmt.Errorf("the first test example of %s has no second verse", name)
	}
	return question{
		model: name, path: "/v1/completions", right: lines[2],
		body: map[string]any{"model": name, "prompt": lines[0] + "\n" + lines[1] + "\n", "temperature": 0, "max_tokens": 48},
	}, nil
}

// helpdesk asks about a sample of the walk that tuned it.
func helpdesk(home string) (question, error) {
	b, err := os.ReadFile(filepath.Join(home, "quickstart.json"))
	if err != nil {
		return question{}, err
	}
	var walk struct {
		Name, Instruction string
		Samples           []struct{ Text, Label string }
	}
	if err := json.Unmarshal(b, &walk); err != nil || len(walk.Samples) == 0 {
		return question{}, fmt.Errorf("quickstart.json: no samples (%w)", err)
	}
	s := walk.Samples[0]
	return question{
		model: walk.Name, path: "/v1/chat/completions", right: s.Label,
		body: map[string]any{
			"model": walk.Name, "temperature": 0, "max_tokens": 16,
			"messages": []map[string]string{{"role": "user", "content": walk.Instruction + "\n\n" + s.Text}},
		},
	}, nil
}
