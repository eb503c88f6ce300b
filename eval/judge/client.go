package judge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Judge is a model that judges. It is safe for concurrent use.
type Judge struct {
	// URL is that of an API, such as http://127.0.0.1:8080/v1; empty where all responses
	// are on record.
	URL   string
	Model string
	Key   string       // of the API; empty for none
	HTTP  *http.Client // nil: one that waits five minutes for a response
	// Records holds the responses so far and takes new ones.
	Records *Records
	// Parallel is how many requests are under way at once; 0: 4.
	Parallel int
	// Wait replaces waiting before another try, in tests.
	Wait func(context.Context, time.Duration) error
}

// Bounds of a request.
const (
	tries       = 6
	firstWait   = 500 * time.Millisecond
	longestWait = time.Minute // that an endpoint may ask for
	maxAnswer   = 4 << 20     // bytes
	maxTokens   = 64          // of a verdict: a letter or a number is asked for
)

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// body is what is sent; its bytes are what a response is recorded under.
type body struct {
	Model       string    `json:"model"`
	Messages    []message `json:"messages"`
	Temperature float64   `json:"temperature"`
	MaxTokens   int       `json:"max_tokens"`
}

// ask returns the response to a system message and a question, from the record if it is
// there.
func (j *Judge) ask(ctx context.Context, system, question string) (string, error) {
	b, err := json.Marshal(body{
		Model: j.Model, MaxTokens: maxTokens, Messages: []message{{"system", system}, {"user", question}},
	})
	if err != nil {
		return "", err
	}
	if text, ok := j.Records.get(b); ok {
		return text, nil
	}
	if j.URL == "" {
		return "", errors.New("a response is not on record, and there is no endpoint to ask")
	}
	text, err := j.send(ctx, b)
	if err != nil {
		return "", err
	}
	return text, j.Records.put(b, text)
}

// passingError is a failure after which trying again may help.
type passingError struct {
	err   error
	after time.Duration
}

func (e *passingError) Error() string { return e.err.Error() }
func (e *passingError) Unwrap() error { return e.err }

// send tries until it has a response or there is no hope of one.
func (j *Judge) send(ctx context.Context, b []byte) (string, error) {
	wait := firstWait
	for try := 1; ; try++ {
		text, err := j.post(ctx, b)
		passing, ok := errors.AsType[*passingError](err)
		switch {
		case err == nil:
			return text, nil
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case !ok:
			return "", err
		case try == tries:
			return "", fmt.Errorf("%d tries failed, the last: %w", tries, passing.err)
		case passing.after > longestWait:
			return "", fmt.Errorf("it asks to come back in %s: %w", passing.after, passing.err)
		}
		if err := j.wait(ctx, max(wait, passing.after)); err != nil {
			return "", err
		}
		wait *= 2
	}
}

func (j *Judge) wait(ctx context.Context, d time.Duration) error {
	if j.Wait != nil {
		return j.Wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// post sends a request once.
func (j *Judge) post(ctx context.Context, b []byte) (string, error) {
	url := strings.TrimSuffix(j.URL, "/") + "/chat/completions"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if j.Key != "" {
		req.Header.Set("Authorization", "Bearer "+j.Key)
	}
	client := j.HTTP
	if client == nil {
		client = &http.Client{Timeout: 5 * time.Minute}
	}
	res, err := client.Do(req)
	if err != nil {
		return "", &passingError{err: err}
	}
	defer res.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return "", &passingError{err: err}
	}
	if res.StatusCode != http.StatusOK {
		err := fmt.Errorf("%s: %s: %.300s", url, res.Status, bytes.TrimSpace(text))
		switch code := res.StatusCode; {
		case code == http.StatusRequestTimeout, code == http.StatusConflict, code == http.StatusTooManyRequests, code >= 500:
			seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // a date is passed over
			return "", &passingError{err, time.Duration(max(0, seconds)) * time.Second}
		}
		return "", err
	}
	var answer struct {
		Choices []struct {
			Message struct {
				Content *string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("%s: the response is no JSON: %w", url, err)
	}
	if len(answer.Choices) == 0 || answer.Choices[0].Message.Content == nil {
		return "", fmt.Errorf("%s: the response has no text: %.300s", url, text)
	}
	return *answer.Choices[0].Message.Content, nil
}

// each calls do for the numbers below n, some at a time, until one fails.
func (j *Judge) each(ctx context.Context, n int, do func(ctx context.Context, i int) error, progress func(done int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parallel := j.Parallel
	if parallel == 0 {
		parallel = 4
	}
	next := make(chan int)
	var mu sync.Mutex
	done := 0
	var wg sync.WaitGroup
	for range min(parallel, n) {
		wg.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				if done++; progress != nil {
					progress(done)
				}
				mu.Unlock()
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
