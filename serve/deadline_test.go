package serve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/troikaml/troika/meter"
	"github.com/troikaml/troika/serve/servetest"
)

// An answer that takes longer than the server or the request allows ends with an error,
// and what it used is metered.
func TestDeadline(t *testing.T) {
	const forever = `{"model":"starter","messages":[{"role":"user","content":"forever"}]}`
	for _, c := range []struct {
		name, header string
		server       time.Duration
		want         string
	}{
		{"of the server", "", 5 * time.Millisecond, "504\n"},
		{"of the request", "X-Request-Timeout: 0.005\n", 0, "504\n"},
		{"of both", "X-Request-Timeout: 0.005\n", time.Hour, "504\n"},
		{"longer than the server's", "X-Request-Timeout: 3600\n", 5 * time.Millisecond, "504\n"},
		{"no number", "X-Request-Timeout: soon\n", 0, "400\n"},
		{"below zero", "X-Request-Timeout: -1\n", 0, "400\n"},
		{"not a number", "X-Request-Timeout: NaN\n", 0, "400\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger := servetest.NewLedger()
			o := testOptions(ledger)
			o.Deadline = c.server
			s := newTestServer(t, servetest.NewEngine(), o)
			got := replay(t, s, "POST /v1/chat/completions\n"+c.header+"\n"+forever)
			if !strings.HasPrefix(got, c.want) {
				t.Fatalf("answer: %s, want %s", got, c.want)
			}
			if c.want == "400\n" {
				return
			}
			if !strings.Contains(got, "deadline_exceeded") {
				t.Errorf("answer: %s", got)
			}
			if events := ledger.All(); len(events) != 1 || events[0].Outcome != meter.OutcomeAborted || events[0].PromptTokens != 1 {
				t.Errorf("events %+v", events)
			}
		})
	}
}
