-- +goose Up
CREATE TABLE file_files (
    id         TEXT   NOT NULL PRIMARY KEY,
    filename   TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    bytes      BIGINT NOT NULL,
    digest     TEXT   NOT NULL, -- of the content, its name among the blobs
    api_key    TEXT   NOT NULL, -- name of the key that sent it; empty for none
    created_at BIGINT NOT NULL, -- unique and ascending; this and the times below: Unix time in microseconds
    expires_at BIGINT NOT NULL  -- 0 for never
);
CREATE INDEX file_files_created_at ON file_files (created_at);
CREATE INDEX file_files_digest ON file_files (digest);
CREATE TABLE file_uploads (
    id         TEXT   NOT NULL PRIMARY KEY,
    filename   TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    bytes      BIGINT NOT NULL, -- what the parts must come to
    api_key    TEXT   NOT NULL,
    keep       BIGINT NOT NULL, -- seconds that the file will be kept; 0 for good
    status     TEXT   NOT NULL, -- pending, completed or cancelled
    file_id    TEXT   NOT NULL, -- once completed
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX file_uploads_expires_at ON file_uploads (expires_at);
CREATE TABLE file_parts (
    id         TEXT   NOT NULL PRIMARY KEY,
    upload_id  TEXT   NOT NULL REFERENCES file_uploads (id),
    bytes      BIGINT NOT NULL,
    digest     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX file_parts_upload_id ON file_parts (upload_id);
CREATE INDEX file_parts_digest ON file_parts (digest);
