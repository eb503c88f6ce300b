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
)

// A server follows what other processes publish, try and roll back, and answers every
// request meanwhile; what is no longer what was judged does not get in front.
func TestPublishWhileServing(t *testing.T) {
	if testing.Short() {
		t.Skip("the server looks once a second")
	}
	home := t.TempDir()
	data := filepath.Join(home, "sky.jsonl")
	line := `{"messages":[{"role":"user","content":"sky?"},{"role":"assistant","content":"blue"}]}` + "\n"
	if err := os.WriteFile(data, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) error {
		var out bytes.Buffer
		a := &app{In: strings.NewReader(""), Out: &out, Err: &out, Getenv: os.Getenv}
		if code := run(t.Context(), a, append(args, "--home", home)); code != 0 {
			return fmt.Errorf("%v: exit code %d: %s", args, code, &out)
		}
		return nil
	}
	tune := func(name string) error {
		return command("tune", "--data", data, "--name", name, "--rank", "2", "--steps", "1", "--accumulate", "1")
	}
	publish := func(name string) error { return command("publish", "desk", name, "--data", data, "--force") }
	if err := errors.Join(tune("one"), publish("one"), tune("two"), tune("gone")); err != nil {
		t.Fatal(err)
	}
	a := &app{Err: io.Discard, Getenv: os.Getenv, home: home}
	if err := a.setup(); err != nil {
		t.Fatal(err)
	}
	// Adapter two is not loaded: it comes with its release.
	o := serveOptions{listen: "127.0.0.1:0", models: []string{starterName, "one", "gone"}, context: 256}
	err := a.serve(t.Context(), o, func(url string) error {
		c := sdk(url, "any")
		var load sync.WaitGroup
		defer load.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 2 {
			load.Go(func() {
				for ctx.Err() == nil {
					if _, err := deskModel(ctx, c); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			})
		}
		return errors.Join(
			awaitDesk(t.Context(), c, "one"),
			publish("two"), awaitDesk(t.Context(), c, "two"),
			command("rollback", "desk"), awaitDesk(t.Context(), c, "one"),
			// Retrained since the server took it: it stays out.
			os.RemoveAll(filepath.Join(home, runsFolder, "gone")),
			command("tune", "--data", data, "--name", "gone", "--rank", "4", "--steps", "2", "--accumulate", "1"),
			publish("gone"), stays(t.Context(), c, "one"),
			publish("two"), awaitDesk(t.Context(), c, "two"), errSeen)
	})
	if !errors.Is(err, errSeen) || strings.Contains(err.Error(), "\n") {
		t.Fatal(err)
	}
}

// deskModel asks under the alias and returns which model answered.
func deskModel(ctx context.Context, c openai.Client) (string, error) {
	res, err := c.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
		Model: "desk", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("sky?")}, MaxTokens: openai.Int(2),
	})
	if err != nil {
		return "", err
	}
	return res.Model, nil
}

func awaitDesk(ctx context.Context, c openai.Client, want string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		got, err := deskModel(ctx, c)
		if err != nil {
			return fmt.Errorf("await %s: %w", want, err)
		}
		if got == want {
			return nil
		}
	}
}

// stays watches for long enough for a server to have noticed a change.
func stays(ctx context.Context, c openai.Client, want string) error {
	for start := time.Now(); time.Since(start) < 1500*time.Millisecond; {
		if got, err := deskModel(ctx, c); err != nil || got != want {
			return fmt.Errorf("%s answers, want %s: %w", got, want, err)
		}
	}
	return nil
}
