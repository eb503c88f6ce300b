package infer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troikaml/troika/infer"
	"github.com/troikaml/troika/model/modeltest"
	"github.com/troikaml/troika/model/nn"
)

func steps(t *testing.T, m modeltest.Loaded, o infer.Options) *infer.Steps {
	t.Helper()
	s, err := infer.NewSteps(m.Device, m.Model, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// request is of a client, with a prompt of n tokens.
func request(client string, n, most int) infer.Request {
	r := infer.Request{Client: client, Prompt: make([]int32, n), MaxTokens: most, Slot: nn.NoAdapter}
	for i := range r.Prompt {
		r.Prompt[i] = int32(i*7%88 + 1)
	}
	return r
}

// transcript takes turns until nobody is left.
func transcript(t *testing.T, s *infer.Steps, want string) {
	t.Helper()
	var got []string
	for range 100 {
		line := s.Turn()
		if line == "" {
			break
		}
		got = append(got, line)
	}
	wanted := strings.Split(strings.TrimSpace(want), "\n")
	for i := range wanted {
		wanted[i] = strings.TrimSpace(wanted[i])
	}
	if !slices.Equal(got, wanted) {
		t.Errorf("transcript:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
}

// A long prompt joins in chunks, and those that write go on with a token each step.
func TestPromptsJoinWithoutStoppingOthers(t *testing.T) {
	s := steps(t, load(t, 1), infer.Options{Context: 256, Sequences: 2, Chunk: 16})
	start(t, s, "a", request("a", 3, 6))
	if line := s.Turn(); line != "a 0-3" {
		t.Fatal(line)
	}
	start(t, s, "b", request("b", 40, 2))
	transcript(t, s, `
		a 3-4, b 0-16
		a 4-5, b 16-32
		a 5-6, b 32-40
		a 6-7, b 40-41 length
		a 7-8 length`)
}

func start(t *testing.T, s *infer.Steps, name string, r infer.Request) {
	t.Helper()
	if err := s.Start(t.Context(), name, r); err != nil {
		t.Fatal(err)
	}
}

// A client with one request does not wait for all that another asked for before, and a
// client that reads long prompts lets others read first.
func TestClientsTakeTurns(t *testing.T) {
	m := load(t, 1)
	s := steps(t, m, infer.Options{Context: 64, Sequences: 1})
	for i := range 3 {
		start(t, s, fmt.Sprint("a", i), request("a", 4, 2))
	}
	start(t, s, "b0", request("b", 4, 2))
	start(t, s, "b1", request("b", 4, 2))
	transcript(t, s, `
		a0 0-4, a1 waits, a2 waits, b0 waits, b1 waits
		a0 4-5 length, a1 waits, a2 waits, b0 waits, b1 waits
		a1 waits, a2 waits, b0 0-4, b1 waits
		a1 waits, a2 waits, b0 4-5 length, b1 waits
		a1 0-4, a2 waits, b1 waits
		a1 4-5 length, a2 waits, b1 waits
		a2 waits, b1 0-4
		a2 waits, b1 4-5 length
		a2 0-4
		a2 4-5 length`)
	s = steps(t, m, infer.Options{Context: 128, Sequences: 3, Chunk: 16})
	start(t, s, "a0", request("a", 40, 1))
	start(t, s, "a1", request("a", 40, 1))
	start(t, s, "b0", request("b", 20, 1))
	transcript(t, s, `
		a0 0-0, a1 0-0, b0 0-16
		a0 0-12, a1 0-0, b0 16-20 length
		a0 12-28, a1 0-0
		a0 28-40 length, a1 0-4
		a1 4-20
		a1 20-36
		a1 36-40 length`)
}

// Who leaves, or whose time is up, gives its place to the next within one step, and so
// does who leaves while waiting.
func TestPlacesAreFreedWithinAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steps(t, load(t, 1), infer.Options{Context: 128, Sequences: 1})
		gone, leave := context.WithCancel(t.Context())
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, c := range []struct {
			name string
			ctx  context.Context
		}{{"a", gone}, {"b", brief}, {"c", gone}, {"d", t.Context()}} {
			if err := s.Start(c.ctx, c.name, request("", 2, 50)); err != nil {
				t.Fatal(err)
			}
		}
		if line, want := s.Turn(), "a 0-2, b waits, c waits, d waits"; line != want {
			t.Errorf("%q, want %q", line, want)
		}
		leave()
		if line, want := s.Turn(), "a context canceled, b 0-2, c context canceled, d waits"; line != want {
			t.Errorf("%q, want %q", line, want)
		}
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock, not the wall's
		synctest.Wait()
		if line, want := s.Turn(), "b context deadline exceeded, d 0-2"; line != want {
			t.Errorf("%q, want %q", line, want)
		}
	})
}

// The queue is bounded, and one client cannot fill it.
func TestQueueIsBounded(t *testing.T) {
	s := steps(t, load(t, 1), infer.Options{Context: 64, Sequences: 1, Queue: 4})
	full := func(client string, want bool) {
		t.Helper()
		err := s.Start(t.Context(), client, request(client, 2, 1))
		if got := errors.Is(err, infer.ErrFull); got != want || !want && err != nil {
			t.Errorf("client %s: %v", client, err)
		}
	}
	full("a", false)
	full("a", false)
	full("a", true)
	full("b", false)
	full("a", true)
	full("c", false)
	full("d", true)
	s.Turn()
	full("d", false)
}
