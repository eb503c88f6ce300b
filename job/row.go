package job

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/troikaml/troika"
)

type jobRow struct {
	bun.BaseModel `bun:"table:job_jobs"`

	ID         string `bun:"id,pk"`
	Party      string `bun:"party"`
	Key        string `bun:"submit_key"`
	Kind       string `bun:"kind"`
	Digest     string `bun:"digest"`
	Spec       string `bun:"spec"`
	State      string `bun:"state"`
	Code       string `bun:"code"`
	Reason     string `bun:"reason"`
	Result     string `bun:"result"`
	Done       int64  `bun:"done"`
	Total      int64  `bun:"total"`
	Owner      string `bun:"owner"`
	Token      int64  `bun:"token"`
	ExpiresAt  int64  `bun:"expires_at"`
	LeasedAt   int64  `bun:"leased_at"`
	LeasedDone int64  `bun:"leased_done"`
	Events     int64  `bun:"events"`
	Revision   int64  `bun:"revision"`
	CreatedAt  int64  `bun:"created_at"`
	StartedAt  int64  `bun:"started_at"`
	FinishedAt int64  `bun:"finished_at"`
}

func (r *jobRow) job() (Job, error) {
	j := Job{
		ID: r.ID, Key: r.Key, State: State(r.State), Code: r.Code, Reason: r.Reason, Result: raw(r.Result),
		Progress: Progress{Done: r.Done, Total: r.Total}, Lease: r.lease(), Events: r.Events, Revision: r.Revision,
		CreatedAt: moment(r.CreatedAt), StartedAt: moment(r.StartedAt), FinishedAt: moment(r.FinishedAt),
	}
	var err error
	if j.Digest, err = troika.ParseDigest(r.Digest); err != nil {
		return Job{}, fmt.Errorf("job %s: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(r.Spec), &j.Spec); err != nil {
		return Job{}, fmt.Errorf("job %s: spec: %w", r.ID, err)
	}
	return j, nil
}

func (r *jobRow) lease() Lease {
	return Lease{JobID: r.ID, Owner: r.Owner, Token: r.Token, Expires: moment(r.ExpiresAt), Began: moment(r.LeasedAt), Done: r.LeasedDone}
}

// holds refuses a stale lease. The owner is looked at as well, because a lease
// that was taken back is stale before the next one is given.
func (r *jobRow) holds(l Lease) error {
	if l.Owner == "" || r.Owner != l.Owner || r.Token != l.Token {
		return ErrFenced
	}
	return nil
}

// free takes the lease back. Its token stays: the next one counts on.
func (r *jobRow) free() { r.Owner, r.ExpiresAt = "", 0 }

// move brings the job into another state and returns the event that tells of it.
func (r *jobRow) move(next State, now int64, code, reason string) (Event, error) {
	from := State(r.State)
	if !from.Can(next) {
		return Event{}, fmt.Errorf("it is %s: %w", from, ErrState)
	}
	r.State, r.Code, r.Reason = string(next), clip(code), clip(reason)
	if next.Final() {
		r.FinishedAt = now
	}
	data, err := marshal(Change{From: from, To: next, Code: r.Code})
	e := Event{Kind: KindState, Level: LevelInfo, Message: "the job is " + string(next), Data: data}
	switch next {
	case Failed:
		e.Level = LevelError
	case Paused:
		e.Level = LevelWarn
	default:
	}
	if r.Reason != "" {
		e.Message += ": " + r.Reason
	}
	return e, err
}

type eventRow struct {
	bun.BaseModel `bun:"table:job_events"`

	JobID   string         `bun:"job_id,pk"`
	Number  int64          `bun:"number,pk"`
	At      int64          `bun:"at"`
	Level   string         `bun:"level"`
	Kind    string         `bun:"kind"`
	Key     sql.NullString `bun:"event_key"`
	Message string         `bun:"message"`
	Data    string         `bun:"data"`
}

func (r *eventRow) event() Event {
	return Event{
		Number: r.Number, At: moment(r.At), Level: Level(r.Level), Kind: r.Kind,
		Key: r.Key.String, Message: r.Message, Data: raw(r.Data),
	}
}

// Limits of what a run writes.
const (
	maxText   = 4 << 10  // of a message or reason, in bytes; the rest is cut off
	maxData   = 64 << 10 // of an event
	maxResult = 1 << 20
)

// check returns e with its defaults filled in and its message clipped.
func (e Event) check() (Event, error) {
	if e.Level == "" {
		e.Level = LevelInfo
	}
	if e.Kind == "" {
		e.Kind = KindMessage
	}
	e.Message = clip(e.Message)
	switch {
	case e.Level != LevelInfo && e.Level != LevelWarn && e.Level != LevelError:
		return Event{}, fmt.Errorf("event: level %q", e.Level)
	case !kindRule.MatchString(e.Kind):
		return Event{}, fmt.Errorf("event: kind %.80q", e.Kind)
	case !validName(e.Key):
		return Event{}, fmt.Errorf("event: key %.80q: want %s", e.Key, nameRule)
	case len(e.Data) > maxData:
		return Event{}, fmt.Errorf("event: %d bytes of data, at most %d are allowed", len(e.Data), maxData)
	case len(e.Data) > 0 && !json.Valid(e.Data):
		return Event{}, fmt.Errorf("event: data %.80q are no JSON", e.Data)
	}
	return e, nil
}

// clip makes a text fit for the record: short, and free of bytes that a
// database may refuse.
func clip(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// moment is the inverse of time.Time.UnixMicro, with 0 for not yet.
func moment(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
