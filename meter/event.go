package meter

import (
	"errors"
	"fmt"
	"time"
)

// Event is one use of a model: a request that reached an engine. All amounts
// are integers.
type Event struct {
	// ID names the use for good; an event is counted once however often it is
	// emitted.
	ID    string
	Time  time.Time // when the use ended; kept to the microsecond, in UTC
	Key   string    // the name of the API key; empty where none was asked for
	Model string
	// PromptTokens includes CachedTokens.
	PromptTokens     int64
	CachedTokens     int64
	CompletionTokens int64
	// Outcome is how the use ended.
	Outcome Outcome
}

// Outcome says how a use ended. Tokens count whatever it is.
type Outcome string

// The outcomes.
const (
	OutcomeDone    Outcome = "done"
	OutcomeAborted Outcome = "aborted" // the client went away or the server stopped
	OutcomeFailed  Outcome = "failed"
)

// maxText bounds the length of an event's texts, in bytes.
const maxText = 512

// Check returns what is wrong with e, or nil.
func (e *Event) Check() error {
	switch {
	case e.ID == "":
		return errors.New("usage event has no ID")
	case e.Time.IsZero():
		return fmt.Errorf("usage event %s has no time", e.ID)
	case e.Model == "":
		return fmt.Errorf("usage event %s names no model", e.ID)
	case len(e.ID) > maxText || len(e.Key) > maxText || len(e.Model) > maxText:
		return fmt.Errorf("usage event %.64s has a text longer than %d bytes", e.ID, maxText)
	case e.PromptTokens < 0 || e.CompletionTokens < 0 || e.CachedTokens < 0 || e.CachedTokens > e.PromptTokens:
		return fmt.Errorf("usage event %s counts %d prompt tokens (%d cached) and %d completion tokens",
			e.ID, e.PromptTokens, e.CachedTokens, e.CompletionTokens)
	}
	switch e.Outcome {
	case OutcomeDone, OutcomeAborted, OutcomeFailed:
		return nil
	}
	return fmt.Errorf("usage event %s has outcome %q", e.ID, e.Outcome)
}
