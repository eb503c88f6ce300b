package jinja

// Bounds on what one template may cost. They are far above what the chat
// templates in use need and keep a hostile one from taking the process down.
const (
	maxSourceBytes = 256 << 10 // template source
	maxNames       = 2000      // different names in one template
	maxNesting     = 250       // statements inside each other, plus three for each parenthesis
	maxTokens      = 1 << 18   // lexical tokens
	maxSteps       = 32 << 20  // evaluated nodes, loop turns, copied elements
	maxStringBytes = 64 << 20  // any one string, the output included
	maxTotalBytes  = 1 << 30   // strings built over a whole render, live or not
	maxEvalDepth   = 10_000    // expressions inside expressions, calls included
	maxLazyDepth   = 1000      // lazy filters over lazy filters
	maxCallDepth   = 150       // macros inside macros, loops that recurse
	maxValueDepth  = 200       // lists and dicts inside each other
	maxRange       = 100_000   // elements of range(), as in Jinja's sandbox
	maxIntBits     = 16 << 10  // size of an int
	elementSteps   = 8         // steps charged for an element of a new list
	bytesPerStep   = 64        // bytes scanned or copied for one step
	maxJSONBytes   = 256 << 20 // input of FromJSON
)

func errTooLong() error {
	return fail(limitError, "a string grows past %d bytes", maxStringBytes)
}

func errTooDeep() error {
	return fail(limitError, "values nest deeper than %d levels", maxValueDepth)
}

// budget counts down what a render may still spend.
type budget struct {
	steps int
	bytes int
}

func newBudget() budget { return budget{steps: maxSteps, bytes: maxTotalBytes} }

// spend charges n steps.
func (b *budget) spend(n int) error {
	if n < 0 || n > b.steps {
		b.steps = 0
		return fail(limitError, "the template takes more than %d steps", maxSteps)
	}
	b.steps -= n
	return nil
}

// text charges a new string of n bytes.
func (b *budget) text(n int) error {
	if n < 0 || n > maxStringBytes {
		return errTooLong()
	}
	if n > b.bytes {
		b.bytes = 0
		return fail(limitError, "the template builds more than %d bytes of text", maxTotalBytes)
	}
	b.bytes -= n
	return b.spend(n / bytesPerStep)
}

// elements charges a new list of n elements.
func (b *budget) elements(n int) error {
	if n < 0 || n > maxSteps {
		return b.spend(maxSteps + 1)
	}
	return b.spend(n * elementSteps)
}

// scan charges reading n bytes.
func (b *budget) scan(n int) error { return b.spend(n / bytesPerStep) }
