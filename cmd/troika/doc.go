// Command troika turns raw documents into a tuned, measured and served model
// on one machine.
//
// A verb is one file, cmd_<verb>.go, holding a function that returns its
// command, plus one line in verbs (root.go) and one script under
// testdata/script. Every verb is handed the same app: where things are kept,
// how many threads to compute with, where to write.
//
// # Output
//
// Results go to stdout; logs, progress and errors go to stderr. With --json
// every line on either stream is one JSON value: results on stdout, log records
// on stderr, and, when a command fails, as the last line on stderr
//
//	{"error":{"code":"usage","message":"..."}}
//
// Without --json the last line on stderr is "troika: " and the message.
//
// # Exit codes
//
//	0  done
//	1  failed
//	2  usage: the command line is wrong, nothing was done
//	3  some items failed, the others are done
//
// # Environment
//
// This package alone reads environment variables: TROIKA_HOME and, where it is
// not set, XDG_DATA_HOME (on Windows LocalAppData) decide where things are
// kept; TERM and NO_COLOR decide how to draw. A verb that reads more says so in
// its help.
package main
