package job

import "slices"

// State is where a job stands.
type State string

// The states.
const (
	Queued    State = "queued"    // waits for a runner
	Running   State = "running"   // a runner holds its lease
	Paused    State = "paused"    // waits for Resume; Reason says why
	Succeeded State = "succeeded" // over
	Failed    State = "failed"    // over; Reason says why
	Cancelled State = "cancelled" // over
)

// transitions is the whole table; doc.go draws it.
var transitions = map[State][]State{
	Queued:    {Running, Paused, Cancelled},
	Running:   {Queued, Paused, Succeeded, Failed, Cancelled},
	Paused:    {Queued, Cancelled},
	Succeeded: {},
	Failed:    {},
	Cancelled: {},
}

// States returns all states, in the order of a job's life.
func States() []State { return []State{Queued, Running, Paused, Succeeded, Failed, Cancelled} }

// Can reports whether a job may go from s to next.
func (s State) Can(next State) bool { return slices.Contains(transitions[s], next) }

// Final reports whether a job in this state is over.
func (s State) Final() bool { return s == Succeeded || s == Failed || s == Cancelled }
