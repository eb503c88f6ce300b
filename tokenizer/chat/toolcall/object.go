package toolcall

import (
	"encoding/json"
	"regexp"
	"strings"
)

// object is a JSON object that has a call's name and arguments, in any order.
type object struct {
	scan scanner
	key  string // whose value comes or is read
	raw  []byte // of a string that is read: a key, the name, or arguments in a string
	read bool   // raw is being read
	name string
	// args says how far the arguments were read; text is what of them was not told.
	args argsState
	text []byte
}

type argsState int

const (
	argsMissing argsState = iota
	argsString            // in a string that holds an object
	argsOpen
	argsWhole
)

// The keys under which names and arguments come.
func isArguments(key string) bool { return key == "arguments" || key == "parameters" }

// object takes a byte of an object of name and arguments.
func (p *Parser) object(b byte) {
	c := &p.call
	event := c.scan.step(b)
	if event == scanBad {
		p.broken(b, c.args == argsWhole)
		return
	}
	if c.read {
		c.raw = append(c.raw, b)
	}
	if c.args == argsOpen {
		p.more(b)
	}
	depth := c.scan.depth()
	switch {
	case event == scanDone:
		p.whole()
	case event == closed && depth == 1 && c.args == argsOpen:
		c.args = argsWhole
	case event == keyStart && depth == 1:
		c.raw, c.read = []byte{b}, true
	case event == keyEnd && depth == 1:
		c.key, c.read = unquote(c.raw), false
		if p.within.strict && !p.started && !isCallKey(c.key) {
			p.refuse()
		}
	case event == valueStart:
		p.valueBegins(b, depth)
	case event == stringEnd && depth == 1 && c.read:
		c.read = false
		p.stringEnds()
	}
}

// isCallKey reports whether a key may stand in a call that has no mark before it.
func isCallKey(key string) bool {
	return key == "name" || key == "type" || key == "id" || isArguments(key)
}

// valueBegins looks at the first byte of a value; depth counts what it opened.
func (p *Parser) valueBegins(b byte, depth int) {
	c := &p.call
	nested := b == '{' || b == '['
	if nested && depth > 2 || !nested && depth > 1 {
		return
	}
	switch {
	case c.key == "name" && c.name == "":
		if b != '"' {
			p.refuse()
			return
		}
		c.raw, c.read = []byte{b}, true
	case !isArguments(c.key) || c.args != argsMissing:
	case b == '{':
		c.args = argsOpen
		if c.name == "" || p.begin(c.name) {
			p.more(b)
		}
	case b == '"':
		c.args = argsString
		c.raw, c.read = []byte{b}, true
	case b != 'n': // null is no arguments
		p.refuse()
	}
}

// stringEnds takes a name, or arguments that are an object inside a string.
func (p *Parser) stringEnds() {
	c := &p.call
	text := unquote(c.raw)
	if c.key == "name" {
		c.name = text
		switch {
		case text == "" || p.within.strict && !p.names[text]:
			p.refuse()
		case c.args == argsOpen || c.args == argsWhole:
			if p.begin(text) {
				p.arguments(c.text...)
			}
		}
		return
	}
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
		p.refuse()
		return
	}
	c.args, c.text = argsWhole, []byte(text)
	if c.name != "" && p.begin(c.name) {
		p.arguments(c.text...)
	}
}

// more adds a byte to the arguments.
func (p *Parser) more(b byte) {
	if p.started {
		p.arguments(b)
		return
	}
	p.call.text = append(p.call.text, b)
}

// whole ends an object.
func (p *Parser) whole() {
	c := &p.call
	if !p.started {
		if c.name == "" || p.within.strict && c.args == argsMissing {
			p.refuse()
			return
		}
		if !p.begin(c.name) {
			return
		}
		p.arguments('{', '}')
	}
	p.end()
}

// broken ends what stopped being JSON at byte b. The call is whole where only what
// should stand behind its arguments is missing.
func (p *Parser) broken(b byte, whole bool) {
	if !p.started {
		p.refuse()
		return
	}
	p.end()
	if !whole {
		p.done = false
		p.leave()
	}
	p.feed([]byte{b})
}

func unquote(raw []byte) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// named is what Mistral's newer models write between the mark and the arguments.
var named = regexp.MustCompile(`^\s*([\w.-]+)\s*(?:\[CALL_ID\]\s*[\w-]*\s*)?(?:\[ARGS\]\s*)?$`)

// maxName bounds what may stand before arguments, in bytes.
const maxName = 256

// name takes a byte between a mark and arguments.
func (p *Parser) name(b byte) {
	head := p.held[p.opener : len(p.held)-1]
	switch {
	case b == '{':
		m := named.FindSubmatch(head)
		if m == nil {
			p.refuse()
			return
		}
		if p.begin(string(m[1])) {
			p.state, p.args = inArgs, scanner{}
			p.argument(b)
		}
	case len(head) >= maxName || !isName(b) && !isSpace(b) && b != '[' && b != ']':
		p.refuse()
	}
}

// argument takes a byte of arguments that follow a name.
func (p *Parser) argument(b byte) {
	event := p.args.step(b)
	if event == scanBad {
		p.broken(b, false)
		return
	}
	p.arguments(b)
	if event == scanDone {
		p.end()
	}
}
