package toolcall

import (
	"slices"
	"strings"
)

// Delta is a piece of a call. The first one of a call has its name, those that follow
// have more of the text of its arguments.
type Delta struct {
	Index     int // of the call in the answer
	Name      string
	Arguments string
}

// The bounds of a parser.
const (
	maxHeld  = 64 << 10 // bytes that may become a call
	maxSpace = 64       // bytes of white space that may stand before one
	maxCalls = 128      // in an answer; further ones are content
)

// Parser tells calls from content in one answer. It is made by [NewParser] and not safe
// for concurrent use.
type Parser struct {
	marks []mark
	bare  *mark
	names map[string]bool
	one   bool

	state state
	// held is text that is neither content nor part of a call yet: white space and the
	// beginning of a mark in the state inText; the mark and what followed it in others.
	held   []byte
	opener int // bytes of held that are its mark, with the space before it
	space  int // in the state inText: bytes of held that are white space
	within mark
	array  bool // a list was opened and not closed
	began  bool // the answer has something but white space
	trim   bool // a call has just ended: white space is left out
	done   bool

	call    object
	args    scanner // of a call whose name stood before
	python  pythonScanner
	started bool // the call at hand was told of
	count   int

	content []byte
	calls   []Delta
	pending []byte // arguments of the last call that are not in calls
}

type state int

const (
	inText   state = iota
	inOpen         // behind a mark
	inName         // in a name before arguments
	inObject       // in an object of name and arguments
	inArgs         // in arguments behind a name
	inPython       // in a call as in Python
	inTail         // behind a call, with its mark still open
)

// NewParser returns a parser at the beginning of an answer. names are the functions that
// may be called. With one, the answer ends with its first call.
func NewParser(f Format, names []string, one bool) *Parser {
	p := &Parser{names: map[string]bool{}, one: one}
	p.marks, p.bare = f.marks()
	for _, name := range names {
		p.names[name] = true
	}
	return p
}

// Push takes the next piece of an answer, valid UTF-8, and returns what has become
// certain: content, and pieces of calls in order.
func (p *Parser) Push(text string) (content string, calls []Delta) {
	p.feed([]byte(text))
	return p.take()
}

// Flush ends the answer and returns the rest of it.
func (p *Parser) Flush() (content string, calls []Delta) {
	for p.state != inText && len(p.held) > 0 && !p.done {
		if p.state == inTail {
			break // white space or a part of the mark's end
		}
		p.refuse()
	}
	if p.state == inText && !p.done {
		p.say(p.held)
	}
	p.held = nil
	return p.take()
}

// Calls returns how many calls there were so far.
func (p *Parser) Calls() int { return p.count }

// Done reports whether the answer has ended with its one call. What is pushed from then
// on is left out.
func (p *Parser) Done() bool { return p.done }

func (p *Parser) take() (string, []Delta) {
	p.settle()
	content, calls := string(p.content), p.calls
	p.content, p.calls = p.content[:0], nil
	return content, calls
}

func (p *Parser) feed(text []byte) {
	for _, b := range text {
		if p.done {
			return
		}
		p.step(b)
	}
}

func (p *Parser) step(b byte) {
	if p.state == inText {
		p.text(b)
		return
	}
	if !p.started {
		if p.held = append(p.held, b); len(p.held) > maxHeld {
			p.refuse()
			return
		}
	}
	switch p.state {
	case inOpen:
		p.open(b)
	case inName:
		p.name(b)
	case inObject:
		p.object(b)
	case inArgs:
		p.argument(b)
	case inPython:
		p.pythonCall(b)
	case inTail:
		p.tail(b)
	case inText: // see above
	}
}

// say makes bytes content.
func (p *Parser) say(b []byte) {
	p.content = append(p.content, b...)
	p.began = p.began || slices.ContainsFunc(b, func(c byte) bool { return !isSpace(c) })
}

// text takes a byte of content, or of what may stand before a call.
func (p *Parser) text(b byte) {
	if isSpace(b) && p.trim {
		return
	}
	p.trim = false
	if !p.began && p.bare != nil && len(p.held) == p.space && (b == '{' || b == '[' && p.bare.python) {
		p.enter(*p.bare, append(p.held, b), len(p.held)+1)
		p.open(b)
		return
	}
	seen := append(p.held[p.space:len(p.held):len(p.held)], b)
	for _, m := range p.marks {
		if m.open == string(seen) {
			p.enter(m, append(p.held, b), len(p.held)+1)
			return
		}
		if strings.HasPrefix(m.open, string(seen)) {
			p.held = append(p.held, b)
			return
		}
	}
	if len(seen) > 1 { // no mark begins where one seemed to
		rest := slices.Clone(seen[1:])
		p.say(p.held[:p.space+1])
		p.held, p.space = p.held[:0], 0
		p.feed(rest)
		return
	}
	p.held = append(p.held, b)
	if p.space = len(p.held); isSpace(b) && p.space <= maxSpace {
		return
	}
	p.say(p.held)
	p.held, p.space = p.held[:0], 0
}

// enter goes behind a mark, of which held and its opener are the text.
func (p *Parser) enter(m mark, held []byte, opener int) {
	p.state, p.within, p.array, p.started = inOpen, m, false, false
	p.held, p.opener, p.space = slices.Clone(held), opener, 0
}

// refuse makes the mark at the beginning of what is held content, and reads what
// followed it afresh.
func (p *Parser) refuse() {
	held, opener := p.held, max(1, p.opener)
	p.state, p.held, p.opener, p.space = inText, nil, 0, 0
	p.say(held[:opener])
	p.began = true
	p.feed(held[opener:])
}

// open takes a byte behind a mark, or behind what separates calls.
func (p *Parser) open(b byte) {
	switch {
	case isSpace(b):
	case b == '{':
		p.state, p.call = inObject, object{}
		p.call.scan.step(b)
	case b == '[' && !p.array:
		p.array = true
	case p.within.python && isName(b) && (p.array || p.within.open != ""):
		p.state, p.python = inPython, pythonScanner{}
		p.python.text = append(p.python.text, b)
	case p.within.named && isName(b):
		p.state = inName
	default:
		p.refuse()
	}
}

// begin tells of a call, or refuses it.
func (p *Parser) begin(name string) bool {
	if name == "" || p.within.strict && !p.names[name] || p.count == maxCalls {
		p.refuse()
		return false
	}
	p.settle()
	p.calls = append(p.calls, Delta{Index: p.count, Name: name})
	p.count++
	p.started, p.began = true, true
	p.held, p.opener = nil, 0
	return true
}

// arguments tells of more of the arguments.
func (p *Parser) arguments(text ...byte) { p.pending = append(p.pending, text...) }

// settle puts the arguments that are pending into the list.
func (p *Parser) settle() {
	if len(p.pending) == 0 {
		return
	}
	text := string(p.pending)
	p.pending = p.pending[:0]
	if n := len(p.calls) - 1; n >= 0 {
		p.calls[n].Arguments += text
		return
	}
	p.calls = append(p.calls, Delta{Index: p.count - 1, Arguments: text})
}

// end ends a call.
func (p *Parser) end() {
	p.state, p.started, p.trim = inTail, false, true
	p.held, p.opener = nil, 0
	p.done = p.one
}

// leave takes up the text behind calls, of which some is held.
func (p *Parser) leave() {
	held := p.held
	p.state, p.held, p.opener, p.space, p.trim = inText, nil, 0, 0, true
	p.feed(held)
}

// tail takes a byte behind a call.
func (p *Parser) tail(b byte) {
	tail := strings.TrimLeft(string(p.held), " \t\r\n")
	end := p.within.end
	switch {
	case tail == "":
	case end != "" && tail == end:
		p.held = nil
		p.leave()
	case end != "" && strings.HasPrefix(end, tail):
	case b == ']' && p.array && tail == "]":
		p.array, p.held = false, nil
	case (b == ',' || b == ';') && len(tail) == 1:
		p.opener = len(p.held)
		p.state = inOpen
	case len(tail) == 1 && (b == '{' || p.within.python && isName(b)):
		p.opener = len(p.held)
		p.open(b)
	default:
		p.leave()
	}
}
