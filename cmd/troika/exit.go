package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// The exit codes of every verb.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitPartial = 3
)

// usageError says that the command line is wrong and nothing was done.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef returns a usage error: exit code 2.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// partialError says that some items failed and the others are done: exit
// code 3. Return it after the results were written, the failures among them.
type partialError struct {
	Failed, Total int
	Items         string // what they are, such as "documents"
}

func (e *partialError) Error() string {
	return fmt.Sprintf("%d of %d %s failed", e.Failed, e.Total, e.Items)
}

// coder is implemented by errors that name their own code, a short lower-case
// word that scripts can rely on.
type coder interface{ Code() string }

// classify returns the exit code of a verb's error, and the code that --json
// shows.
func classify(err error) (exit int, code string) {
	var usage *usageError
	var partial *partialError
	var own coder
	switch {
	case err == nil:
		return exitDone, ""
	case errors.As(err, &usage):
		return exitUsage, "usage"
	case errors.As(err, &partial):
		return exitPartial, "some_failed"
	case errors.As(err, &own):
		return exitFailed, own.Code()
	case errors.Is(err, context.Canceled):
		return exitFailed, "interrupted"
	case errors.Is(err, syscall.ENOSPC):
		return exitFailed, "disk_full"
	case errors.Is(err, fs.ErrNotExist):
		return exitFailed, "not_found"
	case errors.Is(err, fs.ErrPermission):
		return exitFailed, "permission"
	default:
		return exitFailed, "failed"
	}
}

// report writes err as the last line on stderr and returns the exit code.
func (a *app) report(err error) int {
	exit, code := classify(err)
	if err == nil {
		return exit
	}
	message := err.Error()
	if code == "interrupted" && errors.Is(err, context.Canceled) {
		message = "interrupted: " + message
	}
	// A failure to write here has nowhere left to be told.
	if a.JSON {
		type body struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}
		_ = json.NewEncoder(a.Err).Encode(map[string]body{"error": {code, message}})
	} else {
		_, _ = fmt.Fprintf(a.Err, "troika: %s\n", message)
	}
	return exit
}

// WriteJSON writes v as one line on Out.
func (a *app) WriteJSON(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
