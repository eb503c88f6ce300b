-- +goose Up
CREATE TABLE lineage_records (
    id      TEXT   NOT NULL PRIMARY KEY, -- digest of the record
    output  TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    details TEXT   NOT NULL,             -- JSON object
    made_at BIGINT NOT NULL              -- Unix time in microseconds
);
CREATE INDEX lineage_records_output ON lineage_records (output);
CREATE TABLE lineage_inputs (
    record_id TEXT   NOT NULL REFERENCES lineage_records (id),
    position  BIGINT NOT NULL,
    role      TEXT   NOT NULL,
    input     TEXT   NOT NULL,
    PRIMARY KEY (record_id, position)
);
CREATE INDEX lineage_inputs_input ON lineage_inputs (input);
