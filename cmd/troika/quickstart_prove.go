package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/troikaml/troika/eval"
	"github.com/troikaml/troika/internal/fsx"
	"github.com/troikaml/troika/internal/term"
	"github.com/troikaml/troika/tokenizer/chat"
)

// prove puts every test document through HTTP: the served model must answer each
// exactly as the evaluated one did.
func (q *quickstart) prove(ctx context.Context, url string) error {
	bar := q.Progress.Bar("serving proof", int64(len(q.test)), term.Items("documents"))
	defer bar.Abort()
	client := newClient()
	for i, e := range q.test {
		got, err := q.ask(ctx, client, url, e.Text)
		if err != nil {
			return fmt.Errorf("serving proof: %s: %w", e.ID, err)
		}
		if want := q.given[q.o.name][i]; got != want {
			return fmt.Errorf("%w: %s was answered %q over HTTP, %q in the evaluation", errWrongAnswer, e.ID, got, want)
		}
		bar.Set(int64(i + 1))
	}
	bar.Done()
	return nil
}

type wireMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type wireRequest struct {
	Model       string        `json:"model"`
	Messages    []wireMessage `json:"messages"`
	MaxTokens   int           `json:"max_tokens"`
	Temperature float64       `json:"temperature"`
}

func (q *quickstart) request(text string) ([]byte, error) {
	req := wireRequest{Model: q.o.name, MaxTokens: q.maxTokens}
	for _, m := range q.prompt.Messages(text) {
		req.Messages = append(req.Messages, toWire(m))
	}
	return json.Marshal(req)
}

func toWire(m chat.Message) wireMessage { return wireMessage{Role: m.Role, Content: m.Content} }

// ask puts one document to the served model.
func (q *quickstart) ask(ctx context.Context, client *http.Client, url, text string) (string, error) {
	body, err := q.request(text)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if q.secret != "" {
		req.Header.Set("Authorization", "Bearer "+q.secret)
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return "", err
	}
	var answer struct {
		Choices []struct {
			Message wireMessage `json:"message"`
		} `json:"choices"`
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", res.Status, data)
	}
	if err := json.Unmarshal(data, &answer); err != nil || len(answer.Choices) != 1 {
		return "", fmt.Errorf("unexpected answer %s", data)
	}
	return answer.Choices[0].Message.Content, nil
}

// write stores the results as quickstart.json.
func (q *quickstart) write() error {
	type scores struct {
		Accuracy   float64       `json:"accuracy"`
		AccuracyCI eval.Interval `json:"accuracy_ci95"`
		MacroF1    float64       `json:"macro_f1"`
		MacroF1CI  eval.Interval `json:"macro_f1_ci95"`
		// Confusion is given for the tuned model.
		Confusion *eval.Confusion `json:"confusion,omitempty"`
	}
	of := func(r *eval.Result) scores {
		return scores{Accuracy: r.Accuracy, AccuracyCI: r.AccuracyCI, MacroF1: r.MacroF1, MacroF1CI: r.MacroF1CI}
	}
	tuned := of(q.report.Tuned)
	tuned.Confusion = q.report.Tuned.Confusion
	type sample struct {
		Text  string `json:"text"`
		Label string `json:"label"`
	}
	var samples []sample
	const most = 4 // for the page to try
	for i := 0; i < len(q.test) && len(samples) < most; i += max(1, len(q.test)/most) {
		samples = append(samples, sample{q.test[i].Text, q.test[i].Label})
	}
	data, err := json.MarshalIndent(struct {
		Dataset  string             `json:"dataset"`
		Examples int                `json:"examples"`
		Majority scores             `json:"majority"`
		TFIDF    scores             `json:"tfidf"`
		Base     scores             `json:"base"`
		Tuned    scores             `json:"tuned"`
		Gain     *eval.Difference   `json:"gain"`
		Model    string             `json:"model"`
		Name     string             `json:"name"`
		Adapter  string             `json:"adapter_sha256"`
		Question string             `json:"instruction"`
		Samples  []sample           `json:"samples"`
		Seconds  map[string]float64 `json:"seconds"`
	}{
		q.version.Digest().String(), len(q.test), of(q.report.Majority), of(q.report.TFIDF), of(q.report.Base), tuned,
		q.report.Gain, q.o.model, q.o.name, q.adapter.Hex(), q.prompt.Instruction, samples, q.seconds,
	}, "", "  ")
	if err != nil {
		return err
	}
	return fsx.WriteFile(filepath.Join(q.home, quickstartFile), append(data, '\n'), 0o644)
}

// show prints the table, a curl line and the address, or with --json the report.
func (q *quickstart) show(url string) error {
	if q.JSON {
		data, err := os.ReadFile(filepath.Join(q.home, quickstartFile))
		if err != nil {
			return err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, data); err != nil {
			return err
		}
		_, err = fmt.Fprintln(q.Out, compact.String())
		return err
	}
	_, _ = fmt.Fprintf(q.Out, "\n%d test documents, every one answered over HTTP as in the evaluation.\n\n", len(q.test))
	if err := q.report.WriteTable(q.Out); err != nil {
		return err
	}
	example := q.test[0]
	body, err := q.request(sentence(example.Text, 12))
	if err != nil {
		return err
	}
	key := ""
	if q.secret != "" {
		key = ` -H "Authorization: Bearer $KEY"` // one of the reader's own
	}
	_, err = fmt.Fprintf(q.Out, "\nserving on %s - open it in a browser, or ask:\n\ncurl %s/v1/chat/completions%s -H 'Content-Type: application/json' -d %s\n",
		url, url, key, shellQuote(string(body)))
	return err
}

// demonstrate asks one question and shows the answer.
func (q *quickstart) demonstrate(ctx context.Context, url string) error {
	answer, err := q.ask(ctx, newClient(), url, q.test[0].Text)
	if err != nil || q.JSON {
		return err
	}
	_, err = fmt.Fprintf(q.Out, "\nQ: %s %s\nA: %s (expected: %s)\n", q.prompt.Instruction, sentence(q.test[0].Text, 30), answer, q.test[0].Label)
	return err
}

// shellQuote quotes a word for a POSIX shell.
func shellQuote(s string) string {
	var b bytes.Buffer
	b.WriteByte('\'')
	for _, r := range s {
		if r == '\'' {
			b.WriteString(`'\''`)
			continue
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}
