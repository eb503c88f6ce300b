package job

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/troikaml/troika"
)

// Errors of the record. They are wrapped; [store.ErrNotFound] says that no job
// has the ID.
var (
	// ErrConflict: the key belongs to a job with another spec.
	ErrConflict = errors.New("another job has this key")
	// ErrState: the job's state does not allow it.
	ErrState = errors.New("the state of the job does not allow this")
	// ErrTaken: the job is not there for the taking: no longer queued, or in
	// the hands of a run that winds down.
	ErrTaken = errors.New("the job is not free")
	// ErrFenced: the lease is stale. Whoever gets this must stop.
	ErrFenced = errors.New("the lease of the job is no longer held")
)

// Job is the record of a job. Times are in UTC, to the microsecond; zero times
// have not come yet.
type Job struct {
	ID string `json:"id"`
	// Key is what the job was submitted under; its ID where no key was given.
	Key    string        `json:"key"`
	Spec   Spec          `json:"spec"`
	Digest troika.Digest `json:"digest"` // of Spec
	State  State         `json:"state"`
	// Code and Reason say why the job is paused, failed or cancelled, or queued
	// again: a short word for programs and a sentence for people.
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Result is JSON that the handler left.
	Result   json.RawMessage `json:"result,omitempty"`
	Progress Progress        `json:"progress,omitzero"`
	// Lease is the newest one, whether it is held or not.
	Lease      Lease     `json:"lease,omitzero"`
	Events     int64     `json:"events"`   // how many
	Revision   int64     `json:"revision"` // grows with every change
	CreatedAt  time.Time `json:"created_at"`
	StartedAt  time.Time `json:"started_at,omitzero"` // of the first run
	FinishedAt time.Time `json:"finished_at,omitzero"`
}

// Progress is how far a job has come, in units of its kind, such as steps.
// Total is 0 while it is not known.
type Progress struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
}

// Lease is the right to work on a job.
type Lease struct {
	JobID string `json:"-"`
	// Owner is who holds it; empty when nobody does.
	Owner string `json:"owner,omitempty"`
	// Token is the fence. It counts the leases of the job.
	Token   int64     `json:"token"`
	Expires time.Time `json:"expires,omitzero"`
	// Began is when it was given, and Done the job's progress then: what was done since
	// tells how fast the job goes, whatever it waited for before.
	Began time.Time `json:"began,omitzero"`
	Done  int64     `json:"done,omitempty"`
}

// Held reports whether the lease has a holder whose time is not over.
func (l Lease) Held(now time.Time) bool { return l.Owner != "" && now.Before(l.Expires) }

// Level is how much an event matters.
type Level string

// The levels.
const (
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// Kinds of events that this package makes or knows. Handlers may use others.
const (
	KindState   = "state"   // Data is a [Change]
	KindMessage = "message" // Message says it all
	KindMetrics = "metrics" // Data is an object of numbers
)

// Event is something that happened to a job.
type Event struct {
	// Number counts the events of a job from 1. Emit fills in Number and At.
	Number int64     `json:"number"`
	At     time.Time `json:"at"`
	// Level is LevelInfo where it is empty, and Kind is KindMessage.
	Level Level  `json:"level"`
	Kind  string `json:"kind"`
	// Key, where there is one, makes the event appear once: a run that repeats
	// steps after a crash emits their events again without harm.
	Key     string          `json:"key,omitempty"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Change is the data of an event of kind [KindState]. From is empty for a new
// job.
type Change struct {
	From State  `json:"from,omitempty"`
	To   State  `json:"to"`
	Code string `json:"code,omitempty"`
}

// Ending is how a run ended.
type Ending struct {
	// State is the job's next one: Succeeded, Failed, Paused, or Queued for a
	// run that stopped before its end.
	State  State
	Code   string
	Reason string
}
