// Package sqlite opens a store.DB in one SQLite file, by modernc.org/sqlite: a
// translation to Go that needs no C compiler. The file is in WAL mode, so that
// readers never wait for the writer, and every commit is synced. Several
// processes may open it; a writer waits up to ten seconds for another one.
package sqlite
