// Package jobtest holds the contracts of durable work: Record for job.Store on
// any database, Runner for whatever takes jobs and calls handlers.
package jobtest
