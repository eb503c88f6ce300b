-- +goose Up
CREATE TABLE meter_events (
    id                TEXT   NOT NULL PRIMARY KEY,
    ended_at          BIGINT NOT NULL, -- Unix time in microseconds
    api_key           TEXT   NOT NULL, -- name of the key; empty for none
    model             TEXT   NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    cached_tokens     BIGINT NOT NULL, -- part of prompt_tokens
    completion_tokens BIGINT NOT NULL,
    outcome           TEXT   NOT NULL
);
CREATE INDEX meter_events_ended_at ON meter_events (ended_at);
CREATE INDEX meter_events_api_key ON meter_events (api_key, ended_at);
