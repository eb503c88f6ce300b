-- +goose Up
ALTER TABLE job_jobs ADD COLUMN leased_at BIGINT NOT NULL DEFAULT 0; -- newest lease; Unix time in microseconds, 0 for none
ALTER TABLE job_jobs ADD COLUMN leased_done BIGINT NOT NULL DEFAULT 0; -- what was done then
