-- +goose Up
CREATE TABLE publish_aliases (
    name       TEXT   NOT NULL PRIMARY KEY,
    current    BIGINT NOT NULL, -- number of the release that answers; 0 for none
    canary     BIGINT NOT NULL, -- number of the release on trial; 0 for none
    share      BIGINT NOT NULL, -- of requests that the canary gets, in millionths
    updated_at BIGINT NOT NULL  -- Unix time in microseconds, as below
);
CREATE TABLE publish_releases (
    alias      TEXT   NOT NULL REFERENCES publish_aliases (name),
    number     BIGINT NOT NULL, -- counts the releases of an alias from 1
    model      TEXT   NOT NULL, -- name of the model
    digest     TEXT   NOT NULL, -- of what was judged
    replaced   BIGINT NOT NULL, -- the release that answered before; 0 for none
    verdict    TEXT   NOT NULL, -- JSON
    created_at BIGINT NOT NULL,
    PRIMARY KEY (alias, number)
);
