// Package finetune serves OpenAI's fine-tuning jobs, and does them:
//
//	POST /v1/fine_tuning/jobs                  a job for files that were sent before
//	GET  /v1/fine_tuning/jobs[/ID]             pages of jobs; one
//	POST /v1/fine_tuning/jobs/ID/cancel        also pause and resume
//	GET  /v1/fine_tuning/jobs/ID/events        pages, or a stream where Accept asks for one
//	GET  /v1/fine_tuning/jobs/ID/checkpoints   models of earlier steps
//
// # Terms
//
//   - base: a model that the server serves and that may be tuned.
//   - recipe: what a job was asked for, every setting resolved to a number.
//   - checkpoint: the adapter after one of the last epochs.
//   - tuned model: the adapter at the end. It is asked for as
//     ft:BASE:ORG:SUFFIX:ID, a checkpoint with :ckpt-step-N behind that.
//
// # Invariants
//
//   - A job is accepted when every line of its files can be learned, and refused with
//     the lines that cannot, the first 100 of them.
//   - What was accepted is a dataset version: deleting the files changes nothing.
//   - A job's bits follow from its recipe, its dataset and its base, whatever kills and
//     pauses come on the way. A base that has changed since is refused.
//   - A checkpoint and a tuned model can be asked for as soon as they are told of.
//
// Files are package file's; the record of jobs and their runners are package job's;
// what answers is the engine's.
package finetune
