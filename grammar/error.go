package grammar

import (
	"errors"
	"fmt"
)

// SchemaError says which keyword of a JSON Schema cannot be compiled, and why.
type SchemaError struct {
	Keyword string // such as "uniqueItems"
	Pointer string // JSON pointer to the keyword, such as "/properties/tags/uniqueItems"
	Reason  string
}

// Error names the keyword and its place.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("schema keyword %q at %q: %s", e.Keyword, "#"+e.Pointer, e.Reason)
}

// ErrUnsatisfiable reports a grammar that no text matches.
var ErrUnsatisfiable = errors.New("nothing satisfies it")

// ErrTooLarge reports a grammar whose automaton would be larger than is allowed.
var ErrTooLarge = errors.New("its automaton would be too large; repeat less, or bound lengths lower")

// ErrStuck reports a tokenizer that has no token for a byte which the grammar needs.
var ErrStuck = errors.New("the tokenizer has no tokens to spell it with")

// maxWork bounds what one grammar costs to compile, in visits of edges: less than a
// second, and some tens of megabytes.
const maxWork = 32 << 20

// What else is made costs, beside those visits, by its memory.
const (
	stateWork = 32 // a state under construction
	edgeWork  = 8
	tableWork = 8 // an entry of a table that explore makes
)

// limits is what is left of the work for one grammar.
type limits struct{ left int }

func newLimits() *limits { return &limits{left: maxWork} }

// spend takes n from what is left; going below ends the compilation, see catch.
func (l *limits) spend(n int) {
	if l.left -= n; l.left < 0 {
		panic(failure{ErrTooLarge})
	}
}

// failure is an error on its way through the recursion of a compiler to catch.
type failure struct{ error }

// fail ends the compilation.
func fail(pointer, keyword, format string, args ...any) {
	panic(failure{&SchemaError{Keyword: keyword, Pointer: pointer, Reason: fmt.Sprintf(format, args...)}})
}

// catch, deferred, turns a failure into an error.
func catch(err *error) {
	switch f := recover().(type) {
	case nil:
	case failure:
		*err = f.error
	default:
		panic(f)
	}
}
