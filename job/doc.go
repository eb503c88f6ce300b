// Package job keeps the record of durable work: what was asked for, who works
// on it, what happened to it, and how it ended. The work goes on after a crash
// of whoever did it.
//
// # Terms
//
//   - job: one piece of work under an ID, described by a [Spec].
//   - handler: the code that does the jobs of one kind; see [Handler].
//   - lease: the right of one owner to work on a job until a time that
//     heartbeats put off. Its token is the fence: every lease of a job has a
//     larger one than those before it.
//   - stale holder: one whose lease another has taken over, or taken back.
//   - runner: what takes jobs and calls handlers; job/local does it in this
//     process. Every runner passes the suite in job/jobtest.
//   - grant: leave to run a job, given by an [Admitter], who may revoke it.
//
// # States
//
//	queued -> running -> succeeded | failed
//	queued, running -> paused -> queued
//	queued, running, paused -> cancelled
//	running -> queued when its runner stops or dies
//
// Pausing and cancelling show at once. The run that is under way keeps its
// lease while it winds down, so that no second run of the job overlaps it,
// and can no longer change the outcome.
//
// # Invariants
//
//   - A state changes only as [State.Can] says, together with an event that
//     tells of it, in one transaction.
//   - A write of a stale holder is refused with [ErrFenced]. Within a
//     transaction of the caller it takes the rest of it along.
//   - Events are appended and never changed; they count from 1 without gaps.
//   - A job keeps its ID, spec and place in the queue over any number of runs.
//   - Submitting again under the same key gives the same job.
//
// # Handlers
//
// A handler looks at its context at least once a step, saves what it has when
// that ends, goes on from it when [Run.Resume] is true, and comes to the same
// bytes. A kill may come between any two of its writes:
//
//   - It writes files whole or not at all, and files before the row that names
//     them. Leases fence the record and not the files.
//   - It gives events a key, such as "step 7", and when it resumes it tells
//     again of the last step that it had saved. Then every step is told of
//     once.
//   - Rows of its own it writes in one transaction with [Run.SetResult], which
//     is the fence.
//
// What a recipe says, files, prices and rights are left to others.
package job
