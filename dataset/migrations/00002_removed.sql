-- +goose Up
-- A version that was forgotten keeps its number, so that no other gets it.
ALTER TABLE dataset_versions ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0; -- Unix time in microseconds
