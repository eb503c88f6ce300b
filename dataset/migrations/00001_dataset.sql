-- +goose Up
CREATE TABLE dataset_versions (
    name     TEXT   NOT NULL,
    number   BIGINT NOT NULL, -- counts from 1 for each name
    digest   TEXT   NOT NULL, -- of the manifest, which is a blob
    records  BIGINT NOT NULL,
    added_at BIGINT NOT NULL, -- Unix time in microseconds
    PRIMARY KEY (name, number)
);
CREATE INDEX dataset_versions_digest ON dataset_versions (digest);
