package jinja

import (
	"errors"
	"fmt"
	"slices"
)

// ErrorKind is the kind of a template's failure, named after what the
// reference implementation raises.
type ErrorKind string

// The kinds a caller may want to tell apart. Others carry the name of a
// Python exception, such as "TypeError".
const (
	SyntaxError ErrorKind = "TemplateSyntaxError" // the source is not a template
	Raised      ErrorKind = "TemplateError"       // the template called raise_exception
	LimitError  ErrorKind = "LimitError"          // a bound of this package was reached
)

const (
	limitError     = LimitError
	typeError      = ErrorKind("TypeError")
	valueError     = ErrorKind("ValueError")
	indexError     = ErrorKind("IndexError")
	keyError       = ErrorKind("KeyError")
	overflowError  = ErrorKind("OverflowError")
	zeroDivError   = ErrorKind("ZeroDivisionError")
	undefinedError = ErrorKind("UndefinedError")
	securityError  = ErrorKind("SecurityError")
	runtimeError   = ErrorKind("TemplateRuntimeError")
	assertionError = ErrorKind("TemplateAssertionError")
	filterArgError = ErrorKind("FilterArgumentError")
	recursionError = ErrorKind("RecursionError")
)

// Error is every failure to parse or render a template.
type Error struct {
	Name string    // the name given to Parse
	Line int       // 1-based line of the template, 0 when not known
	Kind ErrorKind // what went wrong
	Msg  string    // the message, as the reference words it where it is common
}

// Error returns "template NAME:LINE: KIND: MSG"; the kind is left out for
// messages the template itself raised.
func (e *Error) Error() string {
	text := e.Msg
	if e.Kind != Raised {
		text = string(e.Kind) + ": " + text
	}
	return fmt.Sprintf("template %s:%d: %s", e.Name, e.Line, text)
}

func fail(kind ErrorKind, format string, args ...any) error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// atLine notes where an error happened, unless a more exact place is known.
func atLine(err error, line int) error {
	var e *Error
	if errors.As(err, &e) && e.Line == 0 {
		e.Line = line
	}
	return err
}

func isKind(err error, kinds ...ErrorKind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(kinds, e.Kind)
}
