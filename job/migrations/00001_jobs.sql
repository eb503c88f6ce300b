-- +goose Up
CREATE TABLE job_jobs (
    id          TEXT   NOT NULL PRIMARY KEY,
    party       TEXT   NOT NULL, -- on whose behalf; empty for nobody's
    submit_key  TEXT   NOT NULL, -- chosen by the submitter; the id where none was
    kind        TEXT   NOT NULL,
    digest      TEXT   NOT NULL, -- of the spec without its needs
    spec        TEXT   NOT NULL, -- JSON
    state       TEXT   NOT NULL,
    code        TEXT   NOT NULL, -- short word for why it is in this state, or empty
    reason      TEXT   NOT NULL, -- the same in a sentence
    result      TEXT   NOT NULL, -- JSON, or empty
    done        BIGINT NOT NULL,
    total       BIGINT NOT NULL,
    owner       TEXT   NOT NULL, -- holder of the lease; empty for none
    token       BIGINT NOT NULL, -- leases so far: the fence
    expires_at  BIGINT NOT NULL, -- of the lease; this and the times below: Unix time in microseconds
    events      BIGINT NOT NULL, -- events so far
    revision    BIGINT NOT NULL, -- changes so far
    created_at  BIGINT NOT NULL,
    started_at  BIGINT NOT NULL, -- first lease; 0 for not yet
    finished_at BIGINT NOT NULL, -- 0 for not yet
    UNIQUE (party, submit_key)
);
CREATE INDEX job_jobs_created_at ON job_jobs (created_at, id);
CREATE INDEX job_jobs_state ON job_jobs (state, created_at, id);
CREATE INDEX job_jobs_owner ON job_jobs (owner);
CREATE TABLE job_events (
    job_id    TEXT   NOT NULL REFERENCES job_jobs (id),
    number    BIGINT NOT NULL, -- counts the events of a job from 1
    at        BIGINT NOT NULL, -- Unix time in microseconds
    level     TEXT   NOT NULL,
    kind      TEXT   NOT NULL,
    event_key TEXT,            -- an event with a key is there once; NULL for none
    message   TEXT   NOT NULL,
    data      TEXT   NOT NULL, -- JSON, or empty
    PRIMARY KEY (job_id, number),
    UNIQUE (job_id, event_key)
);
